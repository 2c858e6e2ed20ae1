"""What the doctor finds in what the parts say: pure rules, and in plain words what to do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from prometheus_client.parser import text_string_to_metric_families

from news_shared.projection.dead_letters import DeadLetter
from news_shared.topics import VIEWS_KEPT

State = Literal["well", "look", "wrong"]

_LATE: Final = timedelta(minutes=2)
_STALE: Final = timedelta(seconds=15)
_BEHIND, _FAR_BEHIND = 1_000, 100_000
_RECENT: Final = timedelta(days=1)
_REASON_CHARACTERS: Final = 60
_LAG: Final = "news_projection_lag"
_BEACONS, _OF_BUSIEST = "news_views_minute_beacons", "news_views_minute_beacons_of_busiest_address"
_OF_PROXIES: Final = "news_views_minute_beacons_of_proxies"
_UNWRITTEN, _REACH, _AHEAD = (f"news_views_{what}_seconds" for what in ("unwritten", "log_reach", "clock_ahead"))
_LOG_OF_VIEWS: Final = "log of views"
_THIRD: Final = 3  # of what the log reaches back may not be written
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
_FEW_BEACONS: Final = 200  # of which one address may well have sent the half


@dataclass(frozen=True)
class Finding:
    """Something that was looked at.

    Attributes:
        part: which process, projection, topic or feed.
        state: well; look: a person should look at it; wrong: it does not do its work.
        says: what was found.
        do: what a person can do; empty when all is well.
    """

    part: str
    state: State
    says: str
    do: str = ""


@dataclass(frozen=True)
class Health:
    """What a process answers of itself; ``answered`` is None when it does, else why it does not."""

    role: str
    url: str
    answered: str | None = None
    is_alive: bool = True
    reasons: Sequence[str] = ()
    metrics: str = ""


def of_process(health: Health, *, on_compose: bool = False) -> Finding:
    """Whether a process works; what to do is told in compose's words where it runs there."""
    if health.answered is not None:
        start = (
            f"See its log: docker compose logs {health.role}. Start it: docker compose up -d {health.role}"
            if on_compose
            else f"Start it (newsfeed up), or name its address: newsfeed doctor {health.role}=http://HOST:PORT"
        )
        return Finding(health.role, "wrong", f"{health.url} does not answer ({health.answered})", start)
    if not health.is_alive:
        return Finding(health.role, "wrong", "it answers, but not that it lives", "Restart it, and keep its log.")
    if health.reasons:
        return Finding(
            health.role,
            "wrong",
            "; ".join(health.reasons[:3]) + (f" and {len(health.reasons) - 3} more" if len(health.reasons) > 3 else ""),
            _advice(health),
        )
    return Finding(health.role, "well", "ready")


def _advice(health: Health) -> str:
    said = " ".join(health.reasons)
    if "newsfeed rebuild" in said or "restart it" in said or "stands still" in said:
        return "Do what it says."
    if "catching up" in said:
        return "Wait: it is being restored, and queries answer 503 until it is through."
    return f"Wait half a minute. If it stays so, read the log of {health.role}; is Kafka there, is Redis?"


def of_lag(metrics: Iterable[str]) -> list[Finding]:
    """How far each projection is behind the end of its log, over all processes that share it."""
    behind: dict[str, dict[str, float]] = {}
    for text in metrics:
        for family in text_string_to_metric_families(text):
            for sample in family.samples if family.name == _LAG else ():
                partitions = behind.setdefault(sample.labels["group"], {})
                partition = sample.labels["partition"]
                partitions[partition] = min(sample.value, partitions.get(partition, sample.value))  # a former owner's
    found = []
    for group, partitions in sorted(behind.items()):
        records = round(sum(partitions.values()))
        state: State = "wrong" if records >= _FAR_BEHIND else "look" if records >= _BEHIND else "well"
        do = "" if state == "well" else "Ask again in a minute. If it grows, start more members of this role."
        found.append(Finding(group, state, f"{records:,} records behind", do))
    return found


def of_beacons(metrics: Iterable[str]) -> list[Finding]:
    """Whether half of what a process of views took in a minute has one address, or its proxies'; nothing where few
    came."""
    found = []
    for text in metrics:
        values = {
            sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples
        }
        beacons, busiest = values.get(_BEACONS, 0), values.get(_OF_BUSIEST, 0)
        if beacons < _FEW_BEACONS:
            continue
        if (of_proxies := values.get(_OF_PROXIES, 0)) * 2 >= beacons:
            says = f"{of_proxies / beacons:.0%} of {beacons:,.0f} in a minute came from proxies that do not say whose"
            do = "They are all one reader. Let the proxies named in NEWS_TRUSTED_PROXIES set X-Forwarded-For."
            found.append(Finding("beacons", "look", says, do))
            continue
        says = f"{busiest / beacons:.0%} of {beacons:,.0f} in a minute came from one address"
        if busiest * 2 < beacons:
            found.append(Finding("beacons", "well", says))
            continue
        do = (
            "Is it a proxy or a gateway of yours? Name it in NEWS_TRUSTED_PROXIES, so that its readers are told apart. "
            "Else it is a program: what exceeds a reader's pace does not count already."
        )
        found.append(Finding("beacons", "look", says, do))
    return found


def of_retention(metrics: Iterable[str]) -> list[Finding]:
    """Whether ``news.views`` still holds what a restore of the counts would need, and whether its clocks are right."""
    values: dict[str, dict[str, float]] = {}
    for text in metrics:
        for family in text_string_to_metric_families(text):
            for sample in family.samples if family.name in (_UNWRITTEN, _REACH, _AHEAD) else ():
                values.setdefault(sample.name, {})[sample.labels["partition"]] = sample.value
    if not values:
        return []
    unwritten, reach, ahead = (values.get(name, {}) for name in (_UNWRITTEN, _REACH, _AHEAD))
    kept = VIEWS_KEPT.total_seconds()
    found = []
    if late := [p for p, age in unwritten.items() if age * _THIRD > reach.get(p, kept)]:
        p = max(late, key=unwritten.__getitem__)
        says = (
            f"{len(late)} partitions have counts that are not in news.view-counts, {p} since {_hours(unwritten[p])}; "
            f"news.views reaches back {_hours(reach.get(p, kept))}"
        )
        do = "See the log of views-projector. Until it writes again: keep Redis, and raise the retention of news.views."
        found.append(Finding(_LOG_OF_VIEWS, "wrong", says, do))
    if short := [p for p, seconds in reach.items() if seconds < kept / 2]:
        p = min(short, key=reach.__getitem__)
        says = f"{len(short)} partitions reach back less than half of {VIEWS_KEPT.days} days, {p} {_hours(reach[p])}"
        do = "Raise retention.bytes of news.views if the disk allows: a recount, or a late restore, has so little."
        found.append(Finding(_LOG_OF_VIEWS, "look", says, do))
    if fast := [p for p, seconds in ahead.items() if seconds > _CLOCKS_DIFFER.total_seconds()]:
        p = max(fast, key=ahead.__getitem__)
        says = f"the clock of {len(fast)} partitions is ahead of now, of {p} by {_hours(ahead[p])}"
        do = (
            "Set the clocks of brokers and views APIs (NTP). Until then who comes back may be a repeat; from the first "
            "record on that is an hour earlier counting begins anew. Less than an hour heals when time has caught up."
        )
        found.append(Finding(_LOG_OF_VIEWS, "wrong", says, do))
    return found or [Finding(_LOG_OF_VIEWS, "well", "it holds what a restore would need")]


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h"


def of_freshness(service: str, as_of: datetime | None, now: datetime) -> Finding:
    """How old the answers of a query API are; ``as_of`` is None when it gives none."""
    part = f"answers of {service}"
    if as_of is None:
        return Finding(part, "wrong", "it does not answer queries", f"See {service}-api above, and Redis.")
    age = max(now - as_of, timedelta())
    if age > _STALE:
        return Finding(
            part, "wrong", f"as of {age.total_seconds():,.0f} s ago", f"Is the projector of {service} running?"
        )
    return Finding(part, "well", f"as of {age.total_seconds():.1f} s ago")


def of_dead_letters(letters: Iterable[DeadLetter], now: datetime) -> list[Finding]:
    """Records that could not be applied, by topic, group and reason; those of the last day are wrong, older ones are
    still there to be looked at.
    """
    counted: Counter[tuple[str, str, str, bool]] = Counter()
    for letter in letters:
        reason = letter.error.partition("\n")[0][:_REASON_CHARACTERS]
        counted[letter.topic, letter.group, reason, now - letter.time <= _RECENT] += 1
    if not counted:
        return [Finding("dead letters", "well", "none")]
    return [
        Finding(
            f"dead letters of {topic}",
            "wrong" if is_recent else "look",
            f"{number} of {group}{' in the last day' if is_recent else ''}: {reason}",
            "See them: newsfeed dead-letters list. When the cause is gone: newsfeed dead-letters replay RECORD",
        )
        for (topic, group, reason, is_recent), number in sorted(counted.items())
    ]


def of_feeds(sources: Sequence[Mapping[str, Any]], now: datetime) -> list[Finding]:
    """Feeds that a person should look at, a finding a kind.

    Args:
        sources: as the API tells them.
        now: aware.
    """
    polled = [source["polling"] | {"id": source["id"]} for source in sources if source.get("polling")]
    found = []
    for health, what in (("failing", "fail"), ("gone", "are gone and polled no more"), ("unknown", "are unknown")):
        names = [polling["id"] for polling in polled if polling["health"] == health]
        if names:
            found.append(
                Finding("feeds", "look", f"{len(names)} {what}: {_some(names)}", "See: newsfeed sources --trouble")
            )
    late = [p["id"] for p in polled if p.get("next_poll") and now - datetime.fromisoformat(p["next_poll"]) > _LATE]
    if late:
        found.append(Finding("feeds", "wrong", f"{len(late)} are overdue: {_some(late)}", "Is a poller running?"))
    return found or [Finding("feeds", "well", f"{len(polled)} are polled and answer")]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
