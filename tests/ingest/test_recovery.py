"""What a publisher that has lost Redis learns from the topics alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.article_state import ArticleState
from news_ingest.decisions import LIFTED, WITHHELD, due_at
from news_ingest.recovery import recovered
from news_shared.articles import ArticleEvent, EventType, Withdrawal
from tests.ingest.builders import GUID_ID, NOON, Desk, at, item
from tests.ingest.moves import Move, moves


@pytest.mark.parametrize("reason", [WITHHELD, LIFTED, None])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_kill_stays_one_whatever_words_it_was_given(reason: str | None, is_known: bool) -> None:
    desk = Desk()
    if is_known:
        desk.says(item())
    desk.withdraws(reason)
    successor = desk.successor()
    assert successor.state.withdrawn == "sticky"
    assert successor.says(item("Other", dated=at(1)), minute=1).event is None


def test_what_a_source_withholds_and_what_is_no_longer_barred_may_come_back() -> None:
    withheld, lifted = Desk(), Desk()
    withheld.says(item())
    withheld.says(item(status="withheld"))
    lifted.withdraws("legal")
    lifted.restores()
    assert withheld.successor().state.withdrawn == "withheld"
    assert lifted.successor().state.withdrawn is None
    for desk in (withheld, lifted):
        assert desk.successor().says(item("Other", dated=at(1)), minute=1).event is not None


@pytest.mark.parametrize(
    ("reason", "withdrawn", "outcome"),
    [
        ("legal", "sticky", "withdrawn"),
        (None, "sticky", "withdrawn"),
        (WITHHELD, "withheld", "withdrawn"),
        (LIFTED, None, "restored"),
    ],
)
def test_a_record_of_before_has_its_standing_in_its_reason(
    reason: str | None, withdrawn: str | None, outcome: str
) -> None:
    gone = Withdrawal(id=GUID_ID, revision=2, source="gazette", guid="g", time=NOON, reason=reason)
    event = ArticleEvent(type=EventType.WITHDRAWN, article=gone, submission=(0, 7))
    state = recovered(ArticleState(), event, 1)
    assert (state.withdrawn, state.outcome) == (withdrawn, outcome)


@given(st.lists(moves(keys=False), max_size=15), moves(keys=False))
def test_a_successor_that_has_only_the_topics_decides_the_next_submission_alike(
    sequence: list[Move], last: Move
) -> None:
    desk = Desk()
    for minute, move in enumerate(sequence):
        move(desk, minute)
    successor = desk.successor()
    assert successor.state.name == desk.state.name
    assert due_at(successor.state) == due_at(desk.state)
    for one in (desk, successor):
        last(one, len(sequence))
    assert successor.events == desk.events
    assert successor.holds == desk.holds


def test_a_successor_knows_the_undated_versions_that_were_here() -> None:
    desk = Desk()
    desk.says(item("A", dated=None))
    desk.says(item("B", dated=None))
    successor = desk.successor()
    successor.says(item("A", dated=None))
    assert successor.state.outcome == "stale"
