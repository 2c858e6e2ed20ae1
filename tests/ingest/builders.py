"""Short ways to say what a source said, and a publisher in memory."""

from datetime import UTC, datetime, timedelta

from news_ingest.article_state import ArticleState, HoldRecord
from news_ingest.decisions import Decision, decide, needs_text
from news_ingest.items import Item, item_of
from news_ingest.recovery import recovered, recovered_hold
from news_ingest.submissions import Kind, Received, Submission
from news_shared.article_ids import article_id
from news_shared.articles import Article, ArticleEvent, Status
from news_shared.clock import epoch_ms

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
GUID_ID = article_id("gazette", "g")


def at(minutes: float) -> datetime:
    """Minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def item(
    title: str = "Title",
    *,
    version: str | None = None,
    dated: datetime | None = NOON,
    until: datetime | None = None,
    status: Status = "usable",
) -> Item:
    """A version of the article; ``dated=None`` is a version without a date."""
    return Item(
        source="gazette",
        guid="g",
        title=title,
        version=version,
        date_published=dated or NOON,
        dated=dated is not None,
        embargoed_until=until,
        status=status,
    )


class Desk:
    """Decides as the publisher does, with its topics in lists."""

    def __init__(self, state: ArticleState | None = None) -> None:
        self.state = state or ArticleState()
        self.offset = -1
        self.events: list[ArticleEvent] = []
        self.holds: list[HoldRecord | None] = []
        self.received: list[Received] = []

    def says(self, said: Item, *, minute: float = 0, key: str | None = None, expired: bool = False) -> Decision:
        """The source submits a version."""
        submission = Submission(kind="article", id=said.id, received_at=NOON, item=said)
        return self._next(submission, minute, key, expired)

    def withdraws(self, reason: str | None = None, *, minute: float = 0, key: str | None = None) -> Decision:
        """Somebody withdraws the article."""
        return self._command("withdraw", minute, reason=reason, key=key)

    def restores(self, *, minute: float = 0) -> Decision:
        """Somebody restores the article."""
        return self._command("restore", minute)

    def releases(self, until: datetime, *, minute: float) -> Decision:
        """The clock ends an embargo."""
        return self._command("release", minute, until=until)

    def _command(
        self,
        kind: Kind,
        minute: float,
        *,
        reason: str | None = None,
        until: datetime | None = None,
        key: str | None = None,
    ) -> Decision:
        submission = Submission(
            kind=kind, id=GUID_ID, source="gazette", guid="g", received_at=NOON, reason=reason, until=until
        )
        return self._next(submission, minute, key, False)

    def _next(self, submission: Submission, minute: float, key: str | None, expired: bool) -> Decision:
        self.offset += 1
        received = Received(
            submission=submission,
            partition=0,
            offset=self.offset,
            appended_ms=epoch_ms(at(minute)),
            expired=expired,
            idempotency_key=key,
            reply=False,
            trace=None,
        )
        self.received.append(received)
        return self.take(received)

    def take(self, received: Received) -> Decision:
        """Decide what stands in the log, perhaps once more."""
        decision = decide(self.state, received, self._text(received))
        self.state = decision.state
        if decision.event is not None:
            self.events.append(decision.event)
            self.state = self.state.model_copy(update={"article_at": len(self.events) - 1})
        if decision.hold is not None or decision.unhold:
            self.holds.append(decision.hold)
            self.state = self.state.model_copy(update={"hold_at": len(self.holds) - 1})
        return decision

    def successor(self) -> "Desk":
        """A publisher that knows nothing but the two topics."""
        state = ArticleState()
        for offset, event in enumerate(self.events):
            state = recovered(state, event, offset)
        for offset, record in enumerate(self.holds):
            state = recovered_hold(state, record, offset)
        desk = Desk(state)
        desk.offset, desk.events, desk.holds = self.offset, list(self.events), list(self.holds)
        return desk

    def _text(self, received: Received) -> Item | None:
        which = needs_text(self.state, received)
        if which is None or received.offset <= self.state.submission:
            return None
        if which == "hold":
            record = self.holds[self.state.hold_at]
            assert record is not None, "the state points at a hold that was removed"
            return record.item
        article = self.events[self.state.article_at].article
        assert isinstance(article, Article), "the state points at a withdrawal as the published text"
        return item_of(article)
