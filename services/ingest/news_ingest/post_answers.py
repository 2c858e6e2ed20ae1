"""What a post of articles is answered, whichever way it came in."""

from starlette.responses import JSONResponse, Response

from news_ingest.intake import Taken
from news_ingest.key_limits import KeyLimits
from news_shared.api_keys import Caller
from news_shared.problems import INVALID, TOO_MANY


def location_of(taken: Taken) -> str | None:
    """Where to ask what became of the one article that was taken."""
    return f"/v1/articles/{taken.items[0]['id']}/outcome" if len(taken.items) == 1 else None


def answer_to(taken: Taken, *, waited: bool = False, decided: bool = False) -> Response:
    """What was taken and what was not; a problem when nothing was.

    Args:
        taken: of the whole request.
        waited: the caller wanted to wait for the outcomes.
        decided: they are there.
    """
    if taken.rejected_count and not taken.items:
        return _all_rejected(taken)
    location = location_of(taken)
    headers = {"Location": location} if location else {}
    if waited:
        headers["Preference-Applied"] = "wait"
    return JSONResponse(taken.answer(), 200 if decided else 202, headers)


def cut_short(limits: KeyLimits, caller: Caller, taken: Taken) -> Response:
    """Over the limit in the middle of NDJSON: what was taken stays taken, and the rest was not looked at."""
    wait = limits.until_more(caller)
    return TOO_MANY.response(
        f"This key may send {limits.articles_limit(caller):,} articles a minute. The lines before line "
        f"{taken.stopped_at} (counted from 0) were taken or rejected as told here, no line from there on was: "
        f"send the rest, from line {taken.stopped_at}, in {wait} s, with another Idempotency-Key if there was one.",
        {"Retry-After": str(wait)},
        limit="articles_per_minute",
        resume_at=taken.stopped_at,
        **taken.answer(),
    )


def _all_rejected(taken: Taken) -> Response:
    first = taken.rejected[0]
    where = f"item {first.index}" + (f" ({first.guid[:100]})" if first.guid else "")
    why = "; ".join(": ".join(filter(None, (error["field"], error["error"]))) for error in first.errors)
    return INVALID.response(
        f"Nothing of it can be taken. {where}: {why}"
        + (f". And {taken.rejected_count - 1:,} more, see rejected." if taken.rejected_count > 1 else ""),
        None,
        **taken.answer(),
    )
