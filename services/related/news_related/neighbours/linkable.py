"""Who could be compared, as stored: the newest of each space stand in its window, the others are outside."""

from collections.abc import Sequence

from news_related.graph.positions import Position
from news_related.neighbours.changes import LINKABLE, space_in
from news_shared.redis_client import RedisClient, awaited, redis_errors

_LAST = b"\xff" * 32


async def spaces_of(redis: RedisClient, prefix: str) -> list[bytes]:
    """The hashes of all spaces.

    Raises:
        TransientError: Redis is away; so for all of these.
    """
    found: list[bytes] = []
    least = b"-"
    with redis_errors("looking for models"):
        while some := await awaited(redis.zrangebylex(prefix + LINKABLE, least, b"+", 0, 1)):
            found.append(space_in(some[0]))
            least = b"(" + found[-1] + _LAST
    return found


def below(space: bytes, edge: Position | None) -> tuple[bytes, bytes]:
    """The least and the greatest member of ``linkable``, as `ZLEXCOUNT` takes them, that are outside of a window.

    Args:
        edge: where the window's oldest stands; None when it is empty.
    """
    return b"[" + space, b"(" + space + (edge.encode() if edge else _LAST)


async def newest_below(
    redis: RedisClient, prefix: str, space: bytes, edge: Position | None, count: int
) -> Sequence[bytes]:
    """Some members that are outside of a window, the newest first; arguments as in `below`."""
    least, greatest = below(space, edge)
    with redis_errors("looking beyond the window"):
        found: list[bytes] = await awaited(redis.zrevrangebylex(prefix + LINKABLE, greatest, least, 0, count))
    return found
