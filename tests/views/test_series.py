"""Which points a time series has, and that they are what was counted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from news_shared.article_ids import ArticleId, article_id, partition_of
from news_shared.clock import epoch_ms
from news_shared.problems import ProblemError
from news_shared.producer import Outgoing, open_producer
from news_shared.topics import VIEWS
from news_views.queries.series import Interval, span
from news_views.view_log import BATCH_HEADERS, Beacon, Flag, encode_batch
from tests.testbed.backends import PARTITIONS, Backend
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles
from tests.views.newsroom_events import announce, published, withdrawn
from tests.views.test_views_service import NOBODY, Site

NOW = datetime(2026, 1, 15, 12, 34, 56, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 14), timezones=st.just(UTC))  # noqa: DTZ001


def test_without_bounds_the_present_hour_and_the_47_before_it_are_meant() -> None:
    meant = span("hour", None, None, NOW)
    assert (meant.start, meant.end) == (datetime(2026, 1, 13, 13, tzinfo=UTC), datetime(2026, 1, 15, 13, tzinfo=UTC))
    meant = span("day", None, None, NOW)
    assert (meant.start, meant.end) == (datetime(2025, 12, 17, tzinfo=UTC), datetime(2026, 1, 16, tzinfo=UTC))
    assert (len(meant.times()), meant.times()[-1]) == (30, datetime(2026, 1, 15, tzinfo=UTC))


def test_on_the_hour_the_hour_that_begins_is_the_present_one() -> None:
    assert span("hour", None, None, datetime(2026, 1, 15, 12, tzinfo=UTC)).times()[-1].hour == 12


def test_what_is_to_come_is_left_out() -> None:
    assert span("hour", "2026-01-15T10:00:00Z", "2027-01-01", NOW).times()[-1].hour == 12
    assert span("hour", "2026-01-16", None, NOW).times() == []


def test_a_date_is_its_first_moment_and_an_offset_is_respected() -> None:
    assert span("hour", "2026-01-15", "2026-01-15T04:00:00+02:00", NOW).times() == [
        datetime(2026, 1, 15, hour, tzinfo=UTC) for hour in (0, 1)
    ]
    # A plus that nobody escaped arrives as a space.
    assert span("hour", "2026-01-15", "2026-01-15T04:00:00 02:00", NOW).end.hour == 2


@given(st.sampled_from(["hour", "day"]), st.lists(MOMENTS, min_size=3, max_size=3, unique=True).map(sorted))
def test_spans_that_follow_one_another_have_each_interval_once(interval: Interval, moments: list[datetime]) -> None:
    first, middle, last = (moment.isoformat() for moment in moments)
    whole = span(interval, first, last, NOW).times()
    assert span(interval, first, middle, NOW).times() + span(interval, middle, last, NOW).times() == whole
    assert [time for time in whole if moments[0] <= time < moments[2]] == whole


@pytest.mark.parametrize(
    ("interval", "start", "end", "said"),
    [
        ("hour", "2025-12-01", "2026-01-15", "interval=day"),
        ("hour", "2025-12-01", None, "744"),
        ("day", "2024-01-01", None, "366"),
        ("day", "2026-01-15", "2026-01-15", "before"),
        ("hour", "2026-01-15T12:00:00", None, "from: '2026-01-15T12:00:00'"),
        ("hour", "yesterday", None, "2026-01-15T12:00:00Z"),
        ("hour", None, "0001-01-01T00:00:00+14:00", "to: "),
        ("hour", None, "9999-12-31T23:59:59-14:00", "to: "),
        ("day", "", None, "from: ''"),
    ],
)
def test_what_cannot_be_answered_is_told_what_to_do(
    interval: Interval, start: str | None, end: str | None, said: str
) -> None:
    with pytest.raises(ProblemError) as refused:
        span(interval, start, end, NOW)
    assert refused.value.problem.status == 422
    assert said in refused.value.detail


@given(st.sampled_from(["hour", "day"]), st.text(max_size=30), st.text(max_size=30))
def test_nothing_that_is_sent_is_an_error_of_ours(interval: Interval, start: str, end: str) -> None:
    with suppress(ProblemError):
        span(interval, start, end, NOW)


@pytest_asyncio.fixture
async def site(roles: Roles, fresh_backend: Backend) -> AsyncIterator[Site]:
    async with plain_client(timeout=15) as http:
        await roles.start("views-projector")
        yield Site(await roles.start("views-api"), fresh_backend, http)


async def write(backend: Backend, article: ArticleId, beacons: Sequence[tuple[datetime, int, int]]) -> None:
    """Beacons of the past, each with its time, reader and flags."""
    partition = partition_of(article, PARTITIONS)
    values = [  # one record each: a batch spans a minute at the most
        encode_batch("2026-01-15.abcd", [Beacon(article, reader, 0, epoch_ms(time), flags)])
        for time, reader, flags in beacons
    ]
    async with open_producer(backend.kafka_settings) as producer:
        await producer.send_many([Outgoing(VIEWS, partition, None, value, BATCH_HEADERS) for value in values])


async def test_the_series_add_up_to_the_count_and_have_every_zero(site: Site) -> None:
    [article] = await announce(site.backend, [published("ferry")])
    await site.counted(article, views=0)
    noon = datetime.combine(datetime.now(UTC).date() - timedelta(days=2), datetime.min.time(), UTC) + 12 * HOUR
    await write(
        site.backend,
        article,
        [
            (noon, 1, 0),
            (noon + HOUR / 10, 1, 0),
            (noon + HOUR / 5, 2, 0),
            (noon + 3 * HOUR, 3, 0),
            (noon + 13 * HOUR, 4, 0),
            (noon + 14 * HOUR, 0, Flag.OPTED_OUT),
        ],
    )
    await site.counted(article, views=4, filtered={**NOBODY, "repeat": 1, "opted_out": 1})

    url = f"{site.api.url}/v1/articles/herald:ferry/views/series"
    answer = await site.http.get(url, params={"interval": "hour", "from": noon.isoformat(), "to": _text(noon, 4)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["article"] == article
    assert answer.json()["points"] == [{"time": _text(noon, hour), "views": n} for hour, n in enumerate((2, 0, 0, 1))]
    again = await site.http.get(str(answer.request.url), headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    default = (await site.http.get(url)).json()
    assert len(default["points"]) == 48
    days = (await site.http.get(url, params={"interval": "day"})).json()["points"]
    assert len(days) == 30
    assert sum(day["views"] for day in days) == 4
    assert days[-3:] == [
        _day(noon.date(), 3, 3, repeat=1),
        _day(noon.date() + timedelta(days=1), 1, 1, opted_out=1),
        _day(noon.date() + timedelta(days=2), 0, 0),
    ]


async def test_an_article_without_counts_has_no_series_and_bad_bounds_name_the_mend(site: Site) -> None:
    await announce(site.backend, [published("gone"), withdrawn("gone", 2)])
    await site.answers(article_id("herald", "gone"), 410)
    for asked, status in [
        ("herald:gone/views/series", 410),
        ("herald:never/views/series", 404),
        ("herald:a/views/series/views", 404),  # a guid of its own, and its count
        ("no-id/views/series", 400),
        ("herald:gone/views/series?interval=week", 422),
        ("herald:gone/views/series?from=2020-01-01", 422),
        ("herald:gone/views/series?to=tomorrow", 422),
    ]:
        answer = await site.http.get(f"{site.api.url}/v1/articles/{asked}")
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), asked
    document = (await site.http.get(f"{site.api.url}/openapi.json")).json()
    assert document["paths"]["/v1/articles/{article}/views/series"]["get"]["responses"]["200"]["content"][
        "application/json"
    ]["example"]


def _text(noon: datetime, hours: int) -> str:
    return (noon + hours * HOUR).isoformat().replace("+00:00", "Z")


def _day(day: date, views: int, readers: int, **filtered: int) -> dict[str, object]:
    return {"time": f"{day}T00:00:00Z", "views": views, "readers": readers, "filtered": {**NOBODY, **filtered}}
