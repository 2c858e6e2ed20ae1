"""What must hold of every item, whatever it was made of."""

import re
from collections.abc import Iterator

from news_ingest.formats.outcome import Reading
from news_ingest.items import Item
from news_ingest.text import without_markup
from tests.ingest.bodies.inert import assert_inert

_ADDRESS = re.compile(r"https?://[!-~]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def addresses_of(item: Item) -> Iterator[str | None]:
    yield from (item.url, item.image)
    yield from (link.url for link in item.links)
    yield from (person.url for person in (*item.authors, *item.attributions))


def plain_texts_of(item: Item) -> Iterator[str | None]:
    yield from (item.title, item.summary, item.version)
    yield from item.tags
    yield from (person.name for person in (*item.authors, *item.attributions))
    yield from (correction.note for correction in item.corrections)


def assert_safe(item: Item) -> None:
    """Nothing active in any field, and it can be stored and read again."""
    assert Item.model_validate_json(item.model_dump_json()) == item
    assert_inert(item.content_html or "")
    for text in plain_texts_of(item):
        assert text is None or without_markup(text) == text, "there is markup in a plain text"
    for address in addresses_of(item):
        assert address is None or _ADDRESS.fullmatch(address), address
    if item.translation_of and item.translation_of.partition(":")[0].lower() in {"javascript", "data", "vbscript"}:
        raise AssertionError(item.translation_of)
    assert _LANGUAGE.fullmatch(item.language)


def assert_accounted(reading: Reading) -> None:
    """Every item is safe, every refusal has a reason, and what is said can be written."""
    for _, item in reading.items:
        assert_safe(item)
    for rejected in reading.rejected:
        assert rejected.errors
        assert all(error["error"] for error in rejected.errors)
        str(rejected).encode()
    "".join(reading.warnings).encode()
