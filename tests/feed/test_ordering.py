"""Order and cursors, without I/O."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_feed.ordering import Position, cursor_after, newest, parse_cursor
from news_shared.article_ids import ArticleId
from news_shared.errors import PoisonError
from tests.feed.builders import an_article

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999

positions = st.builds(
    Position,
    st.integers(EARLIEST_MS, LATEST_MS) | st.sampled_from([0, 1]),  # many share a moment
    st.uuids().map(lambda u: ArticleId(str(u))),
)


@given(positions, positions)
def test_bytes_order_as_positions_do(a: Position, b: Position) -> None:
    assert (a < b) == (a.encode() < b.encode())


@given(positions)
def test_a_position_survives_its_bytes_and_its_cursor(position: Position) -> None:
    assert Position.decode(position.encode()) == position
    assert parse_cursor(cursor_after(position)) == position


@pytest.mark.parametrize(
    "text",
    ["", "x", "not a cursor", "AAAA", "ü" * 31, "=" * 31, cursor_after(Position(0, ArticleId(str(UUID(int=1)))))[:-2]],
)
def test_a_foreign_cursor_is_refused_with_advice(text: str) -> None:
    with pytest.raises(PoisonError, match="next"):
        parse_cursor(text)


@given(st.lists(st.lists(positions, max_size=8), max_size=5), st.integers(1, 6))
def test_pages_of_partitions_merge_into_one_order_without_gap_or_repeat(
    partitions: list[list[Position]], limit: int
) -> None:
    everything = sorted({p for page in partitions for p in page}, reverse=True)
    owners = {p: i for i, page in enumerate(partitions) for p in page}
    read: list[Position] = []
    after: Position | None = None
    while True:
        pages = [
            sorted((p for p in owners if owners[p] == i and (after is None or p < after)), reverse=True)[: limit + 1]
            for i in range(len(partitions))
        ]
        page, after = newest(pages, limit)
        assert len(page) <= limit
        read += page
        if after is None:
            break
    assert read == everything


def test_a_date_in_the_future_does_not_lead_the_list() -> None:
    boastful = an_article("a", date_published=NOON + timedelta(days=365), first_published_at=NOON)
    sober = an_article("b", date_published=NOON + timedelta(minutes=1), first_published_at=NOON + timedelta(minutes=2))
    assert Position.of(boastful) < Position.of(sober)
