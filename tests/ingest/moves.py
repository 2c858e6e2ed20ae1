"""What may be done to an article, in any order."""

from collections.abc import Callable

from hypothesis import strategies as st

from news_ingest.decisions import LIFTED, WITHHELD, due_at
from tests.ingest.builders import NOON, Desk, at, item

Move = Callable[[Desk, int], object]


@st.composite
def moves(draw: st.DrawFn, *, keys: bool = True) -> Move:
    """One thing that is done to the article; ``keys``: also what the logs do not tell a successor."""
    kind = draw(st.sampled_from(["says", "says", "says", "withdraw", "restore", "release"]))
    if kind == "withdraw":
        reason = draw(st.sampled_from(["wrong", WITHHELD, LIFTED]))
        return lambda desk, minute: desk.withdraws(reason, minute=minute)
    if kind == "restore":
        return lambda desk, minute: desk.restores(minute=minute)
    if kind == "release":
        return lambda desk, minute: desk.releases(due_at(desk.state) or NOON, minute=minute)
    number = draw(st.integers(1, 4))
    said = item(
        f"Title {number}",
        version=draw(st.sampled_from([None, str(number)])) if keys else None,
        dated=draw(st.sampled_from([None, at(number)])) if keys else at(number),
        until=draw(st.sampled_from([None, None, at(5), at(15)])),
        status=draw(st.sampled_from(["usable", "usable", "usable", "withheld", "canceled"])),
    )
    key = draw(st.sampled_from([None, "k1", "k2"])) if keys else None
    expired = draw(st.sampled_from([False, False, False, True])) if keys else False
    return lambda desk, minute: desk.says(said, minute=minute, key=key, expired=expired)
