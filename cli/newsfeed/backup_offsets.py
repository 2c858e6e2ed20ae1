"""Offsets that records of one topic name in another, moved to where that record stands in a restored cluster.

A backup holds ``news.submissions`` and ``news.views`` from a start on; there that record gets offset 0, and an offset
named elsewhere becomes its distance from it. A submission further back becomes negative, before the log began, so that
the order of any two stays; of what was counted further back nothing is in the new log, whose beginning says the same.
Nothing new looks as if it were decided or counted already, and nothing old as if it were not.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from news_shared.topics import ARTICLES, HOLDS, SUBMISSIONS, VIEW_COUNTS, VIEWS
from newsfeed.backup_file import Saved

_FOR_ITS_SENDER: Final = {"answer_by", "reply"}
"""Headers of a submission for one who waits no more: the time when he was to be answered is over."""

Starts = Mapping[str, Sequence[int]]


def decided_by(record: Saved) -> int | None:
    """The offset in ``news.submissions`` that a record of an article or a hold names; None where it names none."""
    if record.value is None:
        return None
    if record.topic == HOLDS:
        return int(json.loads(record.value)["submission"][1])
    named = dict(record.headers).get("submission")
    return int(named.partition(b"/")[2]) if named is not None else None


def counted_before(record: Saved) -> tuple[int, int] | None:
    """Of the progress record of ``news.view-counts``: the offset before which all is counted, and the log's time in ms.

    None for every other record.
    """
    if record.value is None or not (record.key or b"").startswith(b"@"):
        return None
    progress = json.loads(record.value)
    return int(progress["next_offset"]), int(progress["log_ms"])


def moved(record: Saved, starts: Starts) -> Saved:
    """The record as it belongs into a cluster whose logs begin at the starts."""
    move = _MOVES.get(record.topic)
    return record if move is None else move(record, starts)


def _article(record: Saved, starts: Starts) -> Saved:
    def new(name: str, value: bytes) -> bytes:
        if name != "submission":
            return value
        partition, _, offset = value.decode().partition("/")
        return f"{partition}/{int(offset) - starts[SUBMISSIONS][int(partition)]}".encode()

    return replace(record, headers=[(name, new(name, value)) for name, value in record.headers])


def _hold(record: Saved, starts: Starts) -> Saved:
    def move(hold: dict[str, Any]) -> None:
        partition, offset = hold["submission"]
        hold["submission"] = [partition, offset - starts[SUBMISSIONS][partition]]

    return _changed(record, move)


def _counts(record: Saved, starts: Starts) -> Saved:
    start = starts[VIEWS][record.partition]

    def move(counts: dict[str, Any]) -> None:
        for name in ("next_offset", "as_of"):
            if name in counts:
                counts[name] = max(counts[name] - start, 0)
        if "transitions" in counts:
            counts["transitions"] = [[max(offset - start, 0), *rest] for offset, *rest in counts["transitions"]]

    return _changed(record, move)


def _submission(record: Saved, starts: Starts) -> Saved:
    return replace(record, headers=[pair for pair in record.headers if pair[0] not in _FOR_ITS_SENDER])


def _changed(record: Saved, change: Callable[[dict[str, Any]], None]) -> Saved:
    if record.value is None:
        return record
    content: dict[str, Any] = json.loads(record.value)
    change(content)
    return replace(record, value=json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


_MOVES: Final[Mapping[str, Callable[[Saved, Starts], Saved]]] = {
    ARTICLES: _article,
    HOLDS: _hold,
    VIEW_COUNTS: _counts,
    SUBMISSIONS: _submission,
}
