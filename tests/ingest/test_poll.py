"""One poll: what is asked, what goes to Kafka, and what is stored afterwards."""

import json
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from news_ingest.fetching.fetcher import open_fetcher
from news_ingest.formats.outcome import Reading
from news_ingest.intake import Intake, Taken, Terms
from news_ingest.items import Item
from news_ingest.polling import poll as poll_module
from news_ingest.polling.feeds import feed_of
from news_ingest.polling.intervals import Bounds
from news_ingest.polling.poll import FeedPoll, Polled, PollTools
from news_ingest.polling.poll_state import PollState, new_state
from news_ingest.polling.seen_items import Seen, compare, packed, unpacked
from news_ingest.sources import FeedFinding, Source, Sources
from news_shared.errors import TransientError
from tests.ingest.builders import NOON, at, item
from tests.ingest.feed_server import Answer, Asked, FeedServer, feed_server, rss
from tests.ingest.test_fetching import settings

HERE, THERE = "127.0.1.1", "127.0.1.2"
MINUTE = timedelta(minutes=1)


@dataclass
class Desk:
    """Polls one source again and again, storing what a poll says is to be stored."""

    server: FeedServer
    source: Source
    tools: PollTools
    written: list[Item] = field(default_factory=list)
    finding: FeedFinding | None = None
    state: PollState = field(default_factory=lambda: new_state(NOON))
    seen: Seen = field(default_factory=dict)
    minutes: float = 0
    kafka_is_away: bool = False

    async def poll(self, *, store: bool = True) -> Polled:
        feed = feed_of(self.source, self.finding)
        assert feed is not None
        polled = await FeedPoll(feed, self.state, self.seen, self.tools).run()
        self.minutes += 10
        if store and polled.state is not None:
            self.state = polled.state
        if store and polled.seen is not None:
            self.seen = unpacked(packed(polled.seen))
        return polled

    def sets(self, **settings: object) -> None:
        self.source = self.source.model_copy(update=settings)

    def answers(self, body: bytes = b"", *, status: int = 200, **headers: str) -> None:
        self.server.behaviours[HERE] = lambda _: Answer(
            status, {k.replace("_", "-"): v for k, v in headers.items()}, body
        )

    def asked(self) -> list[Asked]:
        return self.server.asked[HERE]

    def titles(self) -> list[str]:
        """Of what was written since the last call."""
        titles = [item.title for item in self.written]
        self.written.clear()
        return titles

    async def take(self, reading: Reading, terms: Terms, taken: Taken) -> None:
        if self.kafka_is_away:
            raise TransientError("away")
        self.written += [item for _, item in reading.items]

    async def save_finding(self, source: str, finding: FeedFinding) -> None:
        if self.kafka_is_away:
            raise TransientError("away")
        self.finding = finding


@pytest.fixture(scope="module")
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as readers:
        yield readers


@asynccontextmanager
async def desk(readers: ThreadPoolExecutor) -> AsyncIterator[Desk]:
    async with feed_server() as server, open_fetcher(settings(timeout=5, fetch_max_bytes=100_000)) as fetcher:
        made = Desk(server, Source(id="herald", created_at=NOON, feed_url=server.url(HERE)), cast("PollTools", None))
        made.tools = PollTools(
            fetcher=fetcher,
            intake=cast("Intake", made),
            sources=cast("Sources", made),
            readers=readers,
            bounds=Bounds(5 * MINUTE, timedelta(days=1), timedelta(hours=1)),
            clock=lambda: at(made.minutes),
            chance=lambda: 0,
        )
        yield made


async def test_links_that_are_relative_are_those_of_the_feeds_place(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(b"<rss version='2.0'><channel><item><title>Fog</title><link>/fog</link></item></channel></rss>")
        await room.poll()
        [written] = room.written
        assert written.url == f"{room.server.url(HERE).partition('/feed')[0].rstrip('/')}/fog"


async def test_only_new_and_changed_items_are_written(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(rss("a", "b"))
        polled = await room.poll()
        assert (polled.outcome, room.titles()) == ("new-items", ["a", "b"])
        room.answers(rss("c", "a", "b"))
        assert ((await room.poll()).outcome, room.titles()) == ("new-items", ["c"])
        room.answers(rss("c", "a", "b").replace(b"About a.", b"More about a."))
        assert ((await room.poll()).outcome, room.titles()) == ("new-items", ["a"])
        room.answers(rss("c", "a", "b").replace(b"About a.", b"More about a.") + b" ")
        assert ((await room.poll()).outcome, room.titles()) == ("unchanged", [])
        assert room.state.items.model_dump() == {"seen": 11, "new": 3, "changed": 1, "rejected": 0}


async def test_validators_are_stored_only_after_kafka_has_the_items(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(rss("a"), ETag='"1"', Last_Modified="Thu, 15 Jan 2026 12:00:00 GMT")
        room.kafka_is_away = True
        polled = await room.poll()
        assert (polled.outcome, polled.state, polled.seen) == ("kafka-away", None, None)
        assert polled.wait == MINUTE
        room.kafka_is_away = False
        await room.poll(store=False)  # it dies before it could store anything
        await room.poll()
        assert room.titles() == ["a", "a"]
        await room.poll()
        assert [asked.headers.get("if-none-match") for asked in room.asked()] == [None, None, None, '"1"']
        assert room.asked()[-1].headers["if-modified-since"] == "Thu, 15 Jan 2026 12:00:00 GMT"
        assert room.titles() == []


@pytest.mark.parametrize("validator", ["é", "x" * 501])
async def test_a_validator_that_cannot_be_sent_back_is_not(readers: ThreadPoolExecutor, validator: str) -> None:
    async with desk(readers) as room:
        room.answers(rss("a"), ETag=validator)
        assert (await room.poll()).outcome == "new-items"
        assert (await room.poll()).outcome == "unchanged"
        assert "if-none-match" not in room.asked()[-1].headers


async def test_a_changed_setting_makes_the_feed_be_read_anew(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(rss("a"), ETag='"1"')
        await room.poll()
        [first] = room.written
        assert (first.language, first.tags) == ("und", ())
        room.titles()
        room.sets(language="uk", themes=("Kyiv", "Sport"))
        polled = await room.poll()
        assert "if-none-match" not in room.asked()[-1].headers
        [second] = room.written
        assert (polled.outcome, second.language, second.tags) == ("new-items", "uk", ("Kyiv", "Sport"))
        assert second.id == first.id


async def test_the_operators_word_on_the_encoding_is_believed(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        wrong = rss("Привіт").decode().encode("windows-1251")  # and it says utf-8
        room.answers(wrong, Content_Type="application/rss+xml; charset=utf-8")
        room.sets(encoding="windows-1251")
        await room.poll()
        assert room.titles() == ["Привіт"]


async def test_a_feed_that_moved_for_good_is_asked_at_its_new_place(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.server.behaviours[THERE] = lambda _: Answer(body=rss("a"))
        for status, moves in ((302, False), (307, False), (301, True), (308, True)):
            room.finding = None
            room.answers(status=status, Location=room.server.url(THERE))
            await room.poll()
            there = cast("FeedFinding | None", room.finding)  # poll() has set it
            assert (there is not None and there.moved_to == room.server.url(THERE)) is moves
        count = len(room.asked())
        await room.poll()
        assert len(room.asked()) == count
        assert room.titles() == ["a"]


async def test_a_redirect_to_what_is_no_feed_moves_nothing(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.server.behaviours[THERE] = lambda _: Answer(headers={"Content-Type": "text/html"}, body=b"<html>Log in")
        room.answers(status=301, Location=room.server.url(THERE))
        polled = await room.poll()
        assert (polled.outcome, room.finding) == ("failed", None)
        assert room.state.errors[0].problem == "not-a-feed"


async def test_a_feed_that_is_gone_is_polled_no_more_and_says_why(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(status=410)
        room.kafka_is_away = True
        assert (await room.poll()).outcome == "kafka-away"
        room.kafka_is_away = False
        assert (await room.poll()).outcome == "gone"
        finding = room.finding
        assert finding is not None
        assert "410" in str(finding.gone)
        assert feed_of(room.source, room.finding) is None
        room.sets(poll=False)
        assert feed_of(room.source, None) is None


@pytest.mark.parametrize(
    ("value", "expected"), [("1800", 30), ("Thu, 15 Jan 2026 12:40:00 GMT", 40), ("", 5), ("x", 5)]
)
async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    readers: ThreadPoolExecutor, value: str, expected: int
) -> None:
    async with desk(readers) as room:
        room.answers(status=429, Retry_After=value)
        polled = await room.poll()
        assert (polled.outcome, polled.wait, polled.host_pause) == ("failed", expected * MINUTE, expected * MINUTE)


async def test_failures_wait_longer_each_time_and_one_success_forgives_them(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(rss("a"))
        await room.poll()
        rhythm = room.state.rhythm
        room.answers(status=500)
        waits = [(await room.poll()).wait / MINUTE for _ in range(12)]
        assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440]
        assert (room.state.failures, room.state.failing_since, room.state.rhythm) == (12, at(10), rhythm)
        assert len(room.state.errors) == 10
        room.answers(rss("a", "b"))
        await room.poll()
        assert (room.state.failures, room.state.failing_since) == (0, None)
        assert room.titles() == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "content_type", "problem"),
    [
        (b"", "application/rss+xml", "not-a-feed"),
        (b"<html><body>Sorry</body></html>", "text/html", "not-a-feed"),
        (b"hello", "text/plain", "not-a-feed"),
        (b"\x89PNG\r\n", "image/png", "not-a-feed"),
        (b"{", "application/json", "not-a-feed"),
        (b'{"title": "Service Unavailable", "detail": "Come back later"}', "application/json", "not-a-feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "title": "The Herald"}', "", "not-a-feed"),
        (b"<" * 5000, "text/xml", "not-a-feed"),
        (b"x" * 100_001, "text/xml", "too-large"),
    ],
)
async def test_what_is_no_feed_is_said_to_be_none(
    readers: ThreadPoolExecutor, body: bytes, content_type: str, problem: str
) -> None:
    async with desk(readers) as room:
        room.answers(body, Content_Type=content_type)
        polled = await room.poll()
        assert (polled.outcome, room.state.errors[0].problem) == ("failed", problem)
        assert room.state.errors[0].detail


async def test_an_error_in_json_is_no_article_and_is_told(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(b'{"title": "Service Unavailable"}', Content_Type="application/json")
        await room.poll()
        assert room.titles() == []
        assert 'one object: {"title": "Service Unavailable"}' in room.state.errors[0].detail


@pytest.mark.parametrize(
    "content_type", ["text/html; charset=utf-8", "text/plain", "application/json", "image/png", ""]
)
async def test_a_feed_is_known_by_its_bytes_whatever_the_server_calls_it(
    readers: ThreadPoolExecutor, content_type: str
) -> None:
    async with desk(readers) as room:
        room.answers(rss("Привіт"), Content_Type=content_type)
        assert ((await room.poll()).outcome, room.titles()) == ("new-items", ["Привіт"])


async def test_rejected_items_are_told_with_their_place(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        room.answers(rss("a").replace(b"</channel>", b"<item><guid>empty</guid></item></channel>"))
        assert (await room.poll()).outcome == "new-items"
        error = room.state.errors[0]
        assert (error.problem, error.item, error.guid, error.field) == ("rejected-item", 1, "empty", "title")
        assert (room.state.items.rejected, room.state.failures) == (1, 0)


async def test_guids_that_change_at_each_poll_make_no_new_articles(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        for number in range(3):
            room.answers(rss("a", "b", guid=f"{number}-"))
            await room.poll()
        assert room.titles() == ["a", "b"]
        assert "new guids" in room.state.warnings[0]


async def test_a_readers_bug_is_the_failure_of_one_feed(
    readers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Reading:
        raise RuntimeError("bug")

    monkeypatch.setattr(poll_module, "read_feed_document", fails)
    async with desk(readers) as room:
        room.answers(rss("a"))
        assert (await room.poll()).outcome == "failed"
        assert room.state.errors[0].problem == "bug"


async def test_the_feeds_own_wishes_are_followed(readers: ThreadPoolExecutor) -> None:
    async with desk(readers) as room:
        for head, wait, why in (
            ("<ttl>45</ttl>", 45, "ttl"),
            ("<ttl>9999999</ttl>", 60, "capped"),
            (
                "<sy:updatePeriod xmlns:sy='s'>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
                30,
                "sy:",
            ),
            ("<skipHours><hour>12</hour><hour>13</hour></skipHours>", 120, "skipHours"),
            ("<ttl>nonsense</ttl><skipDays><day>Foo</day></skipDays>", 15, "first"),
        ):
            room.state, room.minutes = new_state(NOON), 0
            room.answers(rss("a", head=head))
            polled = await room.poll()
            assert (polled.wait / MINUTE, why in room.state.why) == (wait, True), room.state.why
        room.state, room.minutes = new_state(NOON), 0
        room.answers(rss("a"), Cache_Control="max-age=1200")
        assert (await room.poll()).wait == 20 * MINUTE


@pytest.mark.parametrize("where", ["xml", "json", "header"])
async def test_a_hub_that_is_no_address_is_passed_over(readers: ThreadPoolExecutor, where: str) -> None:
    bad = "http://[bad"
    async with desk(readers) as room:
        links = f"<link rel='hub' href='{bad}'/><link rel='self' href='{bad}'/><link rel='hub' href='/hub'/>"
        hubs = {"hubs": [{"type": "WebSub", "url": bad}], "feed_url": bad, "items": [{"id": "a", "title": "a"}]}
        if where == "xml":
            room.answers(rss("a", head=links))
        elif where == "json":
            room.answers(json.dumps({"version": "https://jsonfeed.org/version/1.1", **hubs}).encode())
        else:
            room.answers(rss("a"), Link=f'<{bad}>; rel="hub", <{bad}>; rel="self"')
        assert ((await room.poll()).outcome, room.titles()) == ("new-items", ["a"])
        assert room.state.topic is None
        assert room.state.hub == (room.server.url(HERE, "/hub") if where == "xml" else None)


def test_an_item_that_is_forgotten_is_written_again_and_one_that_is_twice_is_written_once() -> None:
    first, other = item("A"), item("B")
    compared = compare([first, other], {})
    assert [i.title for i in compared.new] == ["B"]
    assert compare([other], compared.seen).new == ()
    assert [i.title for i in compare([first], {}).new] == ["A"]
    many = [item(f"{n}").model_copy(update={"guid": str(n)}) for n in range(3000)]
    compared = compare(many, {})
    assert (len(compared.new), len(compared.seen)) == (3000, 2000)
    assert len(compare(many, compared.seen).new) == 1000


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_two_versions_in_one_feed_the_newer_is_written(newest_first: bool) -> None:
    first, second = item("v1", dated=at(-120)), item("v2", dated=NOON)
    both = [second, first] if newest_first else [first, second]
    assert compare(both, {}).new == (second,)
    compared = compare(both, compare([first], {}).seen)
    assert (compared.new, compared.changed) == ((), (second,))
    assert not compare(both, compared.seen).changed


def test_whatever_changes_for_the_publisher_is_a_change() -> None:
    seen = compare([item()], {}).seen
    assert not compare([item()], seen).changed
    for other in (item("B"), item(version="2"), item(until=at(1)), item(status="withheld"), item(dated=None)):
        assert compare([other], seen).changed == (other,)
    undated = item(dated=None)
    later = undated.model_copy(update={"date_published": at(5)})
    assert not compare([later], compare([undated], {}).seen).changed  # the time of arrival is no news
