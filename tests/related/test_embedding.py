"""Which text stands for an article, and what its vector says."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_related.embedding.model import (
    BODY_CHARACTERS,
    LEAD_CHARACTERS,
    Embedder,
    Embedding,
    Text,
    model_name,
    quantised,
)
from news_shared.articles import Article
from tests.related.builders import an_article


def text_of(**fields: Any) -> Text:
    article = an_article("a", **fields).article
    assert isinstance(article, Article)
    return Text.of(article)


@cache
def embedder() -> Embedder:
    return Embedder()


def similarity(one: Embedding, other: Embedding) -> float:
    return float(np.dot(one.int8.astype(np.int32), other.int8.astype(np.int32))) * one.scale * other.scale


@pytest.mark.parametrize(
    ("fields", "lead"),
    [
        ({"content_text": "Three ships burn.", "content_html": "<p>no</p>", "summary": "no"}, "Three ships burn."),
        ({"content_html": "<p>Three <b>sh</b>ips.</p><p>R&amp;D</p>", "summary": "no"}, "Three ships. R&D"),
        ({"content_html": "<script>no</script><p>yes<br>and</p> tail &lt;"}, "yes and tail <"),
        ({"summary": " Three\n ships\t burn. "}, "Three ships burn."),
        ({"content_text": "нул\0ь і\u2028й"}, "нул ь і й"),
        ({}, ""),
    ],
)
def test_the_lead_is_the_beginning_of_the_body_or_the_summary(fields: dict[str, Any], lead: str) -> None:
    assert text_of(**fields).lead == lead


@given(st.text(max_size=1000), st.text(max_size=100), st.booleans())
def test_a_text_is_one_line_each_however_wild_the_article(body: str, title: str, is_html: bool) -> None:
    text = text_of(title=title, **{"content_html" if is_html else "content_text": body})
    assert len(text.lead) <= LEAD_CHARACTERS
    for part in (text.title, text.lead):
        assert part == " ".join(part.split())
        assert "\0" not in part
    assert len(text.sha256) == 64


def test_a_long_body_is_not_read_to_its_end() -> None:
    long = "слово " * 400
    assert text_of(content_html=f"<p>{long}</p>" + "<p>x</p>" * 1000) == text_of(content_html=f"<p>{long}</p><p>x")
    assert text_of(content_html="<img src='a'>" * 100_000 + "far").lead == ""


@pytest.mark.parametrize("word", ["слово", "ab", "a" * 299, "a" * 300])
def test_the_words_are_those_of_the_body_wherever_the_lead_ends(word: str) -> None:
    body = " ".join([word] * 20)
    assert text_of(title="Ships burn", content_text=body).words == f"Ships burn. {body[:BODY_CHARACTERS].rstrip()}"


def test_texts_are_equal_exactly_when_their_hashes_are() -> None:
    alike = text_of(title="Ships  burn", language="en-GB")
    assert alike.sha256 == text_of(title="Ships burn ", language="en").sha256
    others = [
        text_of(title="Ships burn", language="uk"),
        text_of(title="Ships", content_text="burn"),
        text_of(title="Ships burn", content_text="x"),
        text_of(title="Ships burn", content_text="x" * 400),
        text_of(title="Ships burn", content_text="x" * 401),
    ]
    assert len({alike.sha256, *(other.sha256 for other in others)}) == 6


def test_the_same_event_in_two_languages_is_nearer_than_another_event_in_the_same_one() -> None:
    english, ukrainian, other, ukrainian_other = embedder().embed(
        [
            Text("Fire in the port of Odesa: three ships burn", "", "en"),
            Text("Пожежа в порту Одеси: горять три кораблі", "", "uk"),
            Text("Parliament votes on the budget for next year", "", "en"),
            Text("Збірна виграла чемпіонат світу з шахів", "", "uk"),
        ]
    )
    assert similarity(english, ukrainian) > similarity(english, other) + 0.05
    assert similarity(english, ukrainian) > similarity(ukrainian, ukrainian_other) + 0.05


def test_a_vector_does_not_depend_on_the_texts_beside_it_and_has_the_length_one() -> None:
    texts = [Text("Ships burn", "", "en"), Text("", "", "und"), Text("Вибори", "слово " * 50, "uk")]
    together = embedder().embed(texts)
    for text, embedding in zip(texts, together, strict=True):
        [alone] = embedder().embed([text])
        assert (alone.int8 == embedding.int8).all()
        assert alone.scale == embedding.scale
        assert similarity(alone, alone) == pytest.approx(1, abs=0.01)


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50))
def test_a_quantised_component_is_off_by_half_a_step_at_the_most(components: list[float]) -> None:
    vector = np.array(components, dtype=np.float32)
    embedding = quantised(vector)
    assert np.abs(embedding.int8 * embedding.scale - vector).max() <= embedding.scale * 0.501


def test_the_model_has_a_name_before_it_is_loaded() -> None:
    name = model_name()
    assert name is not None
    assert embedder().model == name
    assert "0.3" in name
