"""What becomes of a submission: pure rules over the article's state and the submission's place in the log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from news_ingest.article_state import ArticleState, Hold, HoldRecord, Outcome, Remembered, Version
from news_ingest.items import Item, article_of, content_hash
from news_ingest.submissions import Received
from news_shared.articles import ArticleEvent, EventType, Withdrawal
from news_shared.clock import from_epoch_ms

KEYS_KEPT, KEYS_KEPT_FOR = 32, timedelta(hours=24)
_DOTTED = re.compile(r"\d{1,18}(\.\d{1,18}){0,9}")
LIFTED = "no longer barred: its next submission will be published"
WITHHELD = "withheld by the source"
Barred = Literal["sticky", "withheld"]


@dataclass(frozen=True)
class Decision:
    """The article's next state and what is written: an event, a hold, or the removal of a hold (``unhold``)."""

    state: ArticleState
    event: ArticleEvent | None = None
    hold: HoldRecord | None = None
    unhold: bool = False


def version_of(item: Item) -> Version:
    """By what this version is compared with others."""
    moment = (item.date_modified or item.date_published) if item.dated else None
    return Version(version=item.version, moment=moment, hash=content_hash(item))


def is_older(candidate: Version, current: Version) -> bool:
    """Whether the source made the candidate before the current one; by ``version`` if both have one, else by date."""
    if candidate.version is not None and current.version is not None and candidate.version != current.version:
        return _ordinal(candidate.version) < _ordinal(current.version)
    if candidate.moment is not None and current.moment is not None:
        return candidate.moment < current.moment
    return False


def needs_text(state: ArticleState, received: Received) -> str | None:
    """Which stored text `decide` needs: of the published ``article``, of the ``hold``, or none."""
    kind = received.submission.kind
    item = received.submission.item
    if kind in {"restore", "release"}:
        return "hold" if state.hold else None
    takes_down = kind == "withdraw" or (item is not None and item.status != "usable")
    if takes_down and not state.withdrawn:
        return "article" if state.live else "hold" if state.hold else None
    if takes_down and state.hold and state.hold.why == "withheld":
        return "hold"
    return None


def decide(state: ArticleState, received: Received, text: Item | None) -> Decision:
    """Decide one submission.

    Args:
        state: of its article, as of the submission before.
        received: the submission; its time is the broker's.
        text: what `needs_text` asked for.
    """
    if received.offset <= state.submission:
        return Decision(state)  # what is in the log is never decided again
    known = _known_key(state, received)
    if received.expired:
        return _answered(state, received, Outcome.EXPIRED, "appended after its sender was told to repeat it")
    if known is not None:
        return _answered(state, received, known.outcome, "Idempotency-Key was used before")
    kind = received.submission.kind
    if kind == "withdraw":
        decision = _withdraw(state, received, text, "sticky", received.submission.reason)
    elif kind == "restore":
        decision = _restore(state, received, text)
    elif kind == "release":
        decision = _release(state, received, text)
    else:
        assert received.submission.item is not None
        decision = _submit(state, received, received.submission.item, text)
    return replace(decision, state=_remember_key(decision.state, received))


def _submit(state: ArticleState, received: Received, item: Item, text: Item | None) -> Decision:
    version = version_of(item)
    if state.withdrawn == "sticky":
        return _answered(state, received, Outcome.WITHDRAWN, "withdrawn, until it is restored")
    for current in (state.live, state.hold.version if state.hold else None):
        if current is not None and is_older(version, current):
            return _answered(state, received, Outcome.STALE, "the source has made a newer version")
    if item.status == "canceled":
        return _withdraw(state, received, text, "sticky", "canceled by the source")
    if item.status == "withheld":
        return _withdraw(state, received, text, "withheld", WITHHELD)
    if not item.dated:
        if version.hash in state.undated_hashes and not _is_current(state, version):
            return _answered(state, received, Outcome.STALE, "an undated version that was here before")
        state = state.having_seen_undated(version)
    if item.embargoed_until is not None and item.embargoed_until > from_epoch_ms(received.appended_ms):
        return _hold(state, received, item, version)
    if state.live is not None and state.live.hash == version.hash and not state.withdrawn:
        unchanged = _answered(state, received, Outcome.UNCHANGED, None)
        newer = unchanged.state.having(live=version, hold=None)
        return Decision(newer, unhold=state.hold is not None)
    return _publish(state, received, item, version)


def _publish(state: ArticleState, received: Received, item: Item, version: Version) -> Decision:
    now = from_epoch_ms(received.appended_ms)
    first = state.first_published_at or now
    revision = state.revision + 1
    is_new = state.live is None
    event = ArticleEvent(
        type=EventType.PUBLISHED if is_new else EventType.UPDATED,
        article=article_of(item, revision=revision, first_published_at=first),
        submission=(received.partition, received.offset),
        trace=received.trace,
    )
    answered = _answered(state, received, Outcome.PUBLISHED if is_new else Outcome.UPDATED, None).state
    published = answered.having(
        revision=revision,
        live=version,
        withdrawn=None,
        hold=None,
        first_published_at=first,
        source=item.source,
        guid=item.guid,
        url=item.url,
    )
    return Decision(published, event=event, unhold=state.hold is not None)


def _hold(state: ArticleState, received: Received, item: Item, version: Version) -> Decision:
    if state.hold and state.hold.version == version and state.hold.until == item.embargoed_until:
        return _answered(state, received, Outcome.UNCHANGED, "held until its embargo ends")
    record = HoldRecord(
        why="embargo", until=item.embargoed_until, item=item, submission=(received.partition, received.offset)
    )
    answered = _answered(state, received, Outcome.HELD, "held until its embargo ends").state
    hold = Hold(why="embargo", version=version, until=item.embargoed_until)
    held = answered.having(hold=hold, withdrawn=None, source=item.source, guid=item.guid)  # else it is never released
    return Decision(held, hold=record)


def _withdraw(state: ArticleState, received: Received, text: Item | None, how: Barred, reason: str | None) -> Decision:
    submission = received.submission
    answered = _answered(state, received, Outcome.WITHDRAWN, reason).state
    if state.withdrawn == how or state.withdrawn == "sticky":
        return Decision(answered)
    source = state.source or submission.source or (submission.item.source if submission.item else None)
    guid = state.guid or submission.guid or (submission.item.guid if submission.item else None)
    revision = state.revision + 1
    now = from_epoch_ms(received.appended_ms)
    if _is_secret(state, (text, submission.item), now):
        guid = None
    event = ArticleEvent(
        type=EventType.WITHDRAWN,
        article=Withdrawal(
            id=received.id,
            revision=revision,
            source=source or "unknown",
            guid=guid or "",
            url=state.url,
            time=now,
            standing=how,
            reason=reason,
        ),
        submission=(received.partition, received.offset),
        trace=received.trace,
    )
    withdrawn = answered.having(revision=revision, live=None, withdrawn=how, hold=None, source=source, guid=guid)
    if text is None:
        return Decision(withdrawn, event=event, unhold=state.hold is not None)
    why = "withdrawn" if how == "sticky" else "withheld"
    record = HoldRecord(why=why, item=text, submission=(received.partition, received.offset))
    held = withdrawn.having(hold=Hold(why=why, version=version_of(text)), guid=text.guid)
    return Decision(held, event=event, hold=record)


def _is_secret(state: ArticleState, texts: Sequence[Item | None], now: datetime) -> bool:
    """Whether nothing may name the article yet: guids often are addresses with the headline in them."""
    embargoes = (text.embargoed_until for text in texts if text is not None)
    return state.first_published_at is None and any(until is not None and until > now for until in embargoes)


def _restore(state: ArticleState, received: Received, text: Item | None) -> Decision:
    if not state.withdrawn:
        return _answered(state, received, Outcome.UNCHANGED, "it is not withdrawn")
    lifted = state.having(withdrawn=None)
    if text is None:
        return _lift(lifted, received)
    if text.embargoed_until and text.embargoed_until > from_epoch_ms(received.appended_ms):
        return _hold(lifted.having(hold=None), received, text, version_of(text))
    published = _publish(lifted, received, text, version_of(text))
    return replace(published, state=published.state.having(outcome=Outcome.RESTORED))


def _lift(state: ArticleState, received: Received) -> Decision:
    """There is no text to publish; that the article is no longer barred must be in the log all the same."""
    answered = _answered(state, received, Outcome.RESTORED, LIFTED).state
    event = ArticleEvent(
        type=EventType.WITHDRAWN,
        article=Withdrawal(
            id=received.id,
            revision=state.revision + 1,
            source=state.source or "unknown",
            guid=state.guid or "",
            url=state.url,
            time=from_epoch_ms(received.appended_ms),
            standing="lifted",
            reason=LIFTED,
        ),
        submission=(received.partition, received.offset),
        trace=received.trace,
    )
    return Decision(answered.having(revision=state.revision + 1), event=event)


def _release(state: ArticleState, received: Received, text: Item | None) -> Decision:
    hold = state.hold
    due = hold is not None and hold.why == "embargo" and hold.until == received.submission.until
    if not due or text is None or state.withdrawn:
        return _answered(state, received, state.outcome or Outcome.UNCHANGED, state.why)
    assert hold is not None
    if hold.until is not None and hold.until > from_epoch_ms(received.appended_ms):
        return _answered(state, received, Outcome.HELD, "released before its time")
    return _publish(state, received, text, hold.version)


def _answered(state: ArticleState, received: Received, outcome: Outcome, why: str | None) -> Decision:
    answered = state.having(submission=received.offset, outcome=outcome, why=why, at_ms=received.appended_ms)
    return Decision(answered)


def _is_current(state: ArticleState, version: Version) -> bool:
    held = state.hold.version.hash if state.hold else None
    return version.hash in {state.live.hash if state.live else None, held}


def _known_key(state: ArticleState, received: Received) -> Remembered | None:
    if received.idempotency_key is None:
        return None
    oldest = received.appended_ms - KEYS_KEPT_FOR // timedelta(milliseconds=1)
    return next((k for k in state.keys if k.key == received.idempotency_key and k.at_ms >= oldest), None)


def _remember_key(state: ArticleState, received: Received) -> ArticleState:
    if received.idempotency_key is None or state.outcome is None:
        return state
    key = Remembered(
        key=received.idempotency_key, outcome=state.outcome, revision=state.revision, at_ms=received.appended_ms
    )
    return state.having(keys=(*state.keys, key)[-KEYS_KEPT:])


def _ordinal(version: str) -> tuple[int, tuple[int, ...], str]:
    """``1.10`` comes after ``1.9``; what is no dotted number comes after all numbers, by its letters."""
    if _DOTTED.fullmatch(version):
        return (0, tuple(int(part) for part in version.split(".")), "")
    return (1, (), version)


def due_at(state: ArticleState) -> datetime | None:
    """When a release of this article is to be appended."""
    return state.hold.until if state.hold is not None and state.hold.why == "embargo" and not state.withdrawn else None
