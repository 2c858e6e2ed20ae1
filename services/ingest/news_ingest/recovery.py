"""What a publisher that takes over learns from the logs: an article's state as the records found there leave it."""

from news_ingest.article_state import ArticleState, Hold, HoldRecord, Outcome
from news_ingest.decisions import LIFTED, WITHHELD, version_of
from news_ingest.items import item_of
from news_shared.articles import ArticleEvent, EventType, Standing, Withdrawal


def recovered(state: ArticleState, event: ArticleEvent, offset: int) -> ArticleState:
    """The state after an event that is found in ``news.articles``."""
    body = event.article
    found = state.having(
        revision=body.revision,
        submission=max(state.submission, event.submission[1]),
        source=body.source,
        guid=body.guid or None,
        url=body.url or state.url,
        article_at=offset,
        hold=None,  # a hold of this very submission follows in news.holds
        why=None,
    )
    if isinstance(body, Withdrawal):
        standing = _standing(body)
        withdrawn, outcome = (None, Outcome.RESTORED) if standing == "lifted" else (standing, Outcome.WITHDRAWN)
        return found.having(live=None, withdrawn=withdrawn, outcome=outcome, why=body.reason)
    live = version_of(item_of(body))
    outcome = Outcome.PUBLISHED if event.type is EventType.PUBLISHED else Outcome.UPDATED
    published = found.having(live=live, withdrawn=None, outcome=outcome, first_published_at=body.first_published_at)
    return published if body.dated else published.having_seen_undated(live)


def recovered_hold(state: ArticleState, record: HoldRecord | None, offset: int) -> ArticleState:
    """The state after a record of ``news.holds`` (None: removed) is found there."""
    superseded = record is not None and record.why == "embargo" and record.submission[1] < state.submission
    if record is None or superseded:  # superseded: without transactions the removal may be missing
        return state.having(hold=None, hold_at=offset)
    hold = Hold(why=record.why, version=version_of(record.item), until=record.until)
    held = state.having(hold=hold, hold_at=offset, guid=state.guid or record.item.guid)
    if record.submission[1] <= state.submission:
        return held
    held = held.having(submission=record.submission[1], source=record.item.source, guid=record.item.guid)
    if record.why != "embargo":
        return held
    # nothing that is withdrawn goes under embargo
    embargoed = held.having(outcome=Outcome.HELD, why="held until its embargo ends", withdrawn=None)
    return embargoed if record.item.dated else embargoed.having_seen_undated(hold.version)


def _standing(withdrawal: Withdrawal) -> Standing:
    if withdrawal.standing is not None:
        return withdrawal.standing
    of_before: dict[str | None, Standing] = {LIFTED: "lifted", WITHHELD: "withheld"}  # its reason alone told
    return of_before.get(withdrawal.reason, "sticky")
