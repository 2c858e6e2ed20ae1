"""Signatures: how much of their wording two texts share."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_related.graph.minhash import (
    BAND_BYTES,
    BANDS,
    MOST_CHARACTERS,
    SIGNATURE_BYTES,
    bands_of,
    shared,
    sharing_a_band,
    signature_of,
)
from tests.related.wire_texts import a_wire_text, edited


def jaccard(one: str, other: str) -> float:
    first, second = ({tuple(words[n : n + 3]) for n in range(len(words) - 2)} for words in (one.split(), other.split()))
    return len(first & second) / len(first | second)


@pytest.mark.parametrize(("keeps", "every"), [(1, 0), (1, 60), (0.9, 60), (0.8, 40), (0.7, 20), (0.5, 10), (0.2, 5)])
def test_the_estimate_is_near_the_jaccard_similarity(keeps: float, every: int) -> None:
    off = []
    for seed in range(40):
        text = a_wire_text(seed, words=300)
        other = edited(text, keeps=keeps, every=every, seed=seed)
        off.append(shared(signature_of(text), signature_of(other)) - jaccard(text, other))
    assert abs(sum(off) / len(off)) < 0.03, "no bias"
    assert max(map(abs, off)) < 0.25


def test_lightly_edited_texts_share_a_band_and_others_do_not() -> None:
    texts = [a_wire_text(seed) for seed in range(200)]
    bands = [set(bands_of(signature_of(text))) for text in texts]
    edits = [set(bands_of(signature_of(edited(text, keeps=0.9, every=60, seed=n)))) for n, text in enumerate(texts)]
    assert sum(bool(one & other) for one, other in zip(bands, edits, strict=True)) > 190
    assert sum(len(some) for some in bands) == len(set().union(*bands)), "no two of them have a band in common"


def test_case_punctuation_and_width_of_letters_do_not_matter() -> None:
    text = a_wire_text(1)
    assert signature_of(f"«{text.upper()}» — ！".replace(" ", ",  ")) == signature_of(text)


def test_scripts_without_spaces_have_words_too() -> None:
    text = "港で火災が発生し三隻の船が燃えた消防隊が夜通し消火活動を続けている市長は記者会見で原因を調べると述べた" * 2
    assert signature_of(text)
    assert shared(signature_of(text), signature_of(text.replace("三隻", "四隻"))) > 0.6


def test_a_short_text_has_no_signature_and_is_nobodys_copy() -> None:
    for text in ("", "Ships burn.", "so " * 500):
        assert signature_of(text) == b""
    assert bands_of(b"") == []
    assert shared(b"", b"") == shared(b"", signature_of(a_wire_text(1))) == 0


@given(st.text(max_size=300), st.integers(1, 60))
def test_any_text_has_a_signature_of_one_length_or_none(text: str, times: int) -> None:
    signature = signature_of(text * times)
    assert len(signature) in (0, SIGNATURE_BYTES)
    assert signature == signature_of((text * times)[:MOST_CHARACTERS])
    assert [len(band) for band in bands_of(signature)] == [BAND_BYTES] * (BANDS if signature else 0)
    assert len(set(bands_of(signature))) == len(bands_of(signature))


@given(st.lists(st.one_of(st.just(b""), st.text("ab", min_size=64, max_size=64).map(str.encode)), max_size=12))
def test_those_that_share_a_band_are_found_among_many(signatures: list[bytes]) -> None:
    bands = [set(bands_of(signature)) for signature in signatures]
    expected = [(one, other) for one, other in combinations(range(len(bands)), 2) if bands[one] & bands[other]]
    assert sharing_a_band(signatures) == expected


def test_signatures_are_those_that_are_stored() -> None:
    """If they must change, the graph must be rebuilt: say so in the change log."""
    assert signature_of(a_wire_text(1)).hex()[:32] == "48e7e046ba7f75133a91cb4714843002"
