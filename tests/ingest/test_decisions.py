"""What becomes of a submission."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.decisions import due_at
from news_shared.articles import Article, EventType, Withdrawal
from tests.ingest.builders import GUID_ID, NOON, Desk, at, item
from tests.ingest.moves import Move, moves


def told(desk: Desk) -> str | None:
    return desk.state.outcome


def title_of(desk: Desk) -> str | None:
    body = desk.events[-1].article
    return body.title if isinstance(body, Article) else None


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ({}, {}, "unchanged"),
        ({}, {"title": "Other"}, "updated"),
        ({"version": "1"}, {"title": "Other", "version": "2"}, "updated"),
        ({"version": "2"}, {"title": "Other", "version": "1"}, "stale"),
        ({"version": "1.9"}, {"title": "Other", "version": "1.10"}, "updated"),
        ({"version": "1.10"}, {"title": "Other", "version": "1.9"}, "stale"),
        ({"version": "2"}, {"title": "Other", "version": "1", "dated": at(60)}, "stale"),
        ({"version": "1"}, {"title": "Other", "version": "2", "dated": at(-60)}, "updated"),
        ({"version": "1"}, {"title": "Other", "version": "1", "dated": at(-60)}, "stale"),
        ({"version": "9"}, {"title": "Other", "version": "draft"}, "updated"),
        ({"version": "b"}, {"title": "Other", "version": "a"}, "stale"),
        ({"dated": at(5)}, {"title": "Other", "dated": at(4)}, "stale"),
        ({"dated": at(5)}, {"title": "Other", "dated": at(5)}, "updated"),
        ({"dated": at(5)}, {"title": "Other", "dated": at(6)}, "updated"),
        ({"dated": at(5)}, {"title": "Other", "dated": None}, "updated"),
        ({"dated": None}, {"title": "Other", "dated": at(-5000)}, "updated"),
        ({}, {"version": "7"}, "unchanged"),
    ],
)
def test_a_second_version_is_judged_by_version_then_date_then_content(
    first: dict[str, object], second: dict[str, object], outcome: str
) -> None:
    desk = Desk()
    desk.says(item(**first))  # type: ignore[arg-type]
    assert told(desk) == "published"
    decision = desk.says(item(**second))  # type: ignore[arg-type]
    assert told(desk) == outcome
    assert (decision.event is not None) == (outcome == "updated")
    assert desk.state.revision == (2 if outcome == "updated" else 1)


def test_the_first_publication_keeps_its_time_in_every_later_revision() -> None:
    desk = Desk()
    desk.says(item(), minute=3)
    desk.says(item("Other", dated=at(1)), minute=90)
    assert [e.type for e in desk.events] == [EventType.PUBLISHED, EventType.UPDATED]
    assert [e.article.first_published_at for e in desk.events if isinstance(e.article, Article)] == [at(3), at(3)]


def test_an_unchanged_article_with_a_newer_version_number_makes_older_numbers_stale() -> None:
    desk = Desk()
    desk.says(item(version="1"))
    desk.says(item(version="3"))
    assert told(desk) == "unchanged"
    desk.says(item("Other", version="2"))
    assert told(desk) == "stale"


def test_a_withdrawal_is_sticky_against_newer_versions_until_it_is_restored_with_its_text() -> None:
    desk = Desk()
    desk.says(item("First"))
    desk.withdraws("wrong", minute=1)
    assert (told(desk), desk.state.name) == ("withdrawn", "withdrawn")
    body = desk.events[-1].article
    assert isinstance(body, Withdrawal)
    assert (body.revision, body.reason, body.guid) == (2, "wrong", "g")
    decision = desk.says(item("Second", dated=at(9)), minute=9)
    assert (told(desk), decision.event) == ("withdrawn", None)
    desk.restores(minute=10)
    assert (told(desk), title_of(desk), desk.state.revision) == ("restored", "First", 3)
    assert desk.holds[-1] is None
    desk.says(item("Second", dated=at(9)), minute=11)
    assert (told(desk), title_of(desk)) == ("updated", "Second")


def test_withdrawing_twice_writes_one_event() -> None:
    desk = Desk()
    desk.says(item())
    desk.withdraws()
    assert desk.withdraws().event is None
    assert told(desk) == "withdrawn"


def test_an_id_never_heard_of_can_be_barred_and_the_bar_lifted() -> None:
    desk = Desk()
    decision = desk.withdraws("legal")
    assert decision.event is not None
    assert decision.event.id == GUID_ID
    assert desk.state.revision == 1
    assert desk.says(item()).event is None
    assert told(desk) == "withdrawn"
    desk.restores()
    assert (told(desk), desk.state.name, desk.state.revision) == ("restored", "unknown", 2)
    desk.says(item())
    assert (told(desk), desk.state.revision) == ("published", 3)


def test_restoring_what_is_not_withdrawn_changes_nothing() -> None:
    desk = Desk()
    assert desk.restores().event is None
    assert told(desk) == "unchanged"
    desk.says(item())
    assert desk.restores().event is None


def test_an_embargo_holds_an_article_until_a_release_that_is_not_too_early() -> None:
    desk = Desk()
    decision = desk.says(item(until=at(10)))
    assert (told(desk), desk.state.name, decision.event) == ("held", "held", None)
    assert due_at(desk.state) == at(10)
    assert desk.releases(at(10), minute=9.99).event is None
    assert told(desk) == "held"
    desk.releases(at(10), minute=10)
    assert (told(desk), title_of(desk)) == ("published", "Title")
    assert due_at(desk.state) is None
    assert desk.releases(at(10), minute=11).event is None
    assert desk.holds[-1] is None


def test_a_release_of_an_embargo_that_was_moved_does_nothing() -> None:
    desk = Desk()
    desk.says(item(until=at(10)))
    desk.says(item(until=at(20)))
    assert due_at(desk.state) == at(20)
    assert desk.releases(at(10), minute=12).event is None
    assert desk.releases(at(20), minute=20).event is not None


def test_an_embargo_that_is_over_on_arrival_holds_nothing() -> None:
    desk = Desk()
    desk.says(item(until=at(10)), minute=10)
    assert told(desk) == "published"


@pytest.mark.parametrize("dated", [NOON, None])
def test_an_embargo_can_be_polled_moved_and_lifted_with_or_without_dates(dated: datetime | None) -> None:
    desk = Desk()
    desk.says(item(until=at(10), dated=dated))
    desk.says(item(until=at(10), dated=dated))
    assert told(desk) == "unchanged"
    desk.says(item(until=at(20), dated=dated))
    assert (told(desk), due_at(desk.state)) == ("held", at(20))
    desk.says(item(dated=dated))
    assert (told(desk), due_at(desk.state)) == ("published", None)


def test_an_embargoed_version_leaves_the_published_one_up() -> None:
    desk = Desk()
    desk.says(item("First"))
    desk.says(item("Second", dated=at(1), until=at(10)), minute=1)
    assert (told(desk), desk.state.name, len(desk.events)) == ("held", "published", 1)
    desk.says(item("First"), minute=2)
    assert told(desk) == "stale"
    desk.releases(at(10), minute=10)
    assert (told(desk), title_of(desk), desk.state.revision) == ("updated", "Second", 2)


def test_a_withdrawn_embargo_is_not_released_but_restored_into_its_embargo() -> None:
    desk = Desk()
    desk.says(item(until=at(10)))
    desk.withdraws(minute=1)
    assert due_at(desk.state) is None
    assert desk.releases(at(10), minute=10).event is None
    desk.restores(minute=5)
    assert (told(desk), due_at(desk.state)) == ("held", at(10))
    desk.releases(at(10), minute=10)
    assert told(desk) == "published"


def withdrawal_of(desk: Desk) -> Withdrawal:
    article = desk.events[-1].article
    assert isinstance(article, Withdrawal)
    return article


def test_a_withdrawal_names_nothing_that_is_under_embargo() -> None:
    desk = Desk()
    desk.says(item(until=at(10)))
    desk.withdraws(minute=1)
    assert (withdrawal_of(desk).guid, withdrawal_of(desk).url) == ("", None)
    assert desk.successor().state.guid == "g"
    canceled = Desk()
    canceled.says(item(until=at(10), status="canceled"))
    assert withdrawal_of(canceled).guid == ""


def test_a_withdrawal_names_what_was_seen_before_or_whose_embargo_is_over() -> None:
    published = Desk()
    published.says(item("First"))
    published.says(item("Second", until=at(10)), minute=1)
    published.withdraws(minute=2)
    late = Desk()
    late.says(item(until=at(10)))
    late.withdraws(minute=10)
    assert withdrawal_of(published).guid == withdrawal_of(late).guid == "g"


@pytest.mark.parametrize("dated", [NOON, None])
def test_a_withheld_article_comes_back_when_the_source_lists_it_again(dated: datetime | None) -> None:
    desk = Desk()
    desk.says(item(dated=dated))
    desk.says(item(dated=dated, status="withheld"))
    assert (told(desk), desk.state.name) == ("withdrawn", "withheld")
    assert desk.says(item(dated=dated, status="withheld")).event is None
    desk.says(item(dated=dated))
    assert (told(desk), desk.state.name, desk.state.revision) == ("published", "published", 3)


def test_a_withheld_article_that_comes_back_under_embargo_is_released() -> None:
    desk = Desk()
    desk.says(item("First"))
    desk.says(item("First", status="withheld"))
    desk.says(item("Second", dated=at(1), until=at(10)), minute=1)
    assert (told(desk), desk.state.name, due_at(desk.state)) == ("held", "held", at(10))
    desk.releases(at(10), minute=10)
    assert (told(desk), title_of(desk)) == ("published", "Second")


def test_a_canceled_article_stays_down_even_when_it_was_withheld_before() -> None:
    desk = Desk()
    desk.says(item())
    desk.says(item(status="withheld"))
    desk.says(item(status="canceled"))
    assert desk.state.name == "withdrawn"
    desk.says(item("Other", dated=at(1)))
    assert told(desk) == "withdrawn"
    desk.restores()
    assert (told(desk), title_of(desk)) == ("restored", "Title")


def test_an_older_version_cannot_cancel_a_newer_one() -> None:
    desk = Desk()
    desk.says(item(version="2"))
    desk.says(item(version="1", status="canceled"))
    assert told(desk) == "stale"


def test_undated_versions_that_flap_are_published_once_each() -> None:
    desk = Desk()
    for title in ["A", "B", "A", "B", "A", *["B"] * 20, "A"]:
        desk.says(item(title, dated=None))
    assert [e.article.title for e in desk.events if isinstance(e.article, Article)] == ["A", "B"]
    assert told(desk) == "stale"


def test_a_known_idempotency_key_gives_the_first_outcome_for_a_day() -> None:
    desk = Desk()
    desk.says(item("A"), key="k")
    assert desk.says(item("B", dated=at(1)), minute=24 * 60, key="k").event is None
    assert (told(desk), desk.state.revision) == ("published", 1)
    desk.says(item("B", dated=at(1)), minute=24 * 60 + 1, key="k")
    assert told(desk) == "updated"


def test_a_key_of_a_withdrawal_does_not_withdraw_again_after_a_restore() -> None:
    desk = Desk()
    desk.says(item())
    desk.withdraws(key="k")
    desk.restores()
    assert desk.withdraws(key="k").event is None
    assert desk.state.name == "published"


def test_an_expired_submission_publishes_nothing_and_does_not_use_up_its_key() -> None:
    desk = Desk()
    assert desk.says(item(), key="k", expired=True).event is None
    assert told(desk) == "expired"
    desk.says(item(), key="k")
    assert told(desk) == "published"


def test_a_submission_that_is_decided_already_changes_nothing() -> None:
    desk = Desk()
    desk.says(item("A"))
    desk.says(item("B", dated=at(1)))
    before = desk.state
    for received in desk.received:
        decision = desk.take(received)
        assert (decision.event, decision.hold, decision.unhold) == (None, None, False)
    assert desk.state == before


@given(st.lists(moves(), max_size=25))
def test_any_sequence_gives_revisions_without_gaps_and_is_never_decided_again(sequence: list[Move]) -> None:
    desk = Desk()
    for minute, move in enumerate(sequence):
        move(desk, minute)
        # what the state says is what is in the log
        assert desk.state.revision == len(desk.events)
        assert (desk.state.live is not None) == bool(desk.events and isinstance(desk.events[-1].article, Article))
        assert (desk.state.hold is not None) == bool(desk.holds and desk.holds[-1] is not None)
    assert [event.article.revision for event in desk.events] == list(range(1, len(desk.events) + 1))
    offsets = [event.submission[1] for event in desk.events]
    assert offsets == sorted(set(offsets))
    state, written = desk.state, (len(desk.events), len(desk.holds))
    for received in desk.received:
        desk.take(received)
    assert (desk.state, (len(desk.events), len(desk.holds))) == (state, written)


@given(st.lists(moves(), max_size=20))
def test_the_same_log_gives_the_same_events(sequence: list[Move]) -> None:
    first, second = Desk(), Desk()
    for minute, move in enumerate(sequence):
        move(first, minute)
    for received in first.received:
        second.take(received)
    assert (second.events, second.holds, second.state) == (first.events, first.holds, first.state)
