from pathlib import Path
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_shared.article_ids import ArticleId, article_id, by_partition, parse_article_id, partition_of
from news_shared.errors import PoisonError


def test_a_key_lands_in_the_partition_that_the_java_producer_picks() -> None:
    # golden: BuiltInPartitioner.partitionForKey of kafka-clients 4.1.0, 12 partitions
    lines = Path(__file__).with_name("java_partitions.txt").read_text().splitlines()
    expected = {key: int(partition) for key, partition in (line.rsplit(" ", 1) for line in lines)}
    assert len(expected) > 200
    assert {key: partition_of(key, 12) for key in expected} == expected


@given(st.lists(st.uuids().map(str).map(parse_article_id)), st.integers(1, 300))
def test_many_articles_are_where_each_of_them_is(articles: list[ArticleId], partitions: int) -> None:
    expected: dict[int, list[ArticleId]] = {}
    for article in dict.fromkeys(articles):
        expected.setdefault(partition_of(article, partitions), []).append(article)
    assert by_partition(articles, partitions) == expected


def test_an_article_has_one_id_however_its_guid_is_encoded() -> None:
    composed, decomposed = "\u0439", "\u0438\u0306"
    assert article_id("ukr", composed) == article_id("ukr", f" {decomposed}\n")
    assert article_id("ukr", composed) != article_id("other", composed)


def test_the_namespace_is_fixed_for_ever() -> None:
    assert article_id("newsroom", "harbour-fire-1-uk") == "4220b642-5424-58e1-9852-ad4730a2c67a"


@given(st.text(st.characters(codec="ascii"), min_size=1).filter(lambda guid: guid.strip() == guid))
def test_an_id_is_a_uuid_of_version_five(guid: str) -> None:
    assert article_id("ukr", guid) == str(uuid5(UUID("5f0cba1e-6a52-5b0c-9e0e-6e6577736665"), f"ukr\n{guid}"))


def test_clients_may_name_an_article_by_uuid_or_by_source_and_guid() -> None:
    known = article_id("ukr", "https://example.org/a:b")
    assert parse_article_id(known.upper()) == known
    assert parse_article_id("ukr:https://example.org/a:b") == known


@pytest.mark.parametrize("text", ["", "x", "UPPER:guid", "source:", "source:  ", "0000", ":guid", "ukr:\ud800"])
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(PoisonError, match="source:guid"):
        parse_article_id(text)
