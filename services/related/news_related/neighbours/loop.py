"""The loop that keeps the neighbours: who works, when it looks, and what happens when that fails."""

import asyncio
from time import monotonic

import structlog

from news_related.graph.changes import SERVICE, TAG
from news_related.neighbours.changes import LINK_NEIGHBOURS_LUA
from news_related.neighbours.linker import Neighbours
from news_related.neighbours.similarity import WINDOW_SIZE
from news_shared.cancelling import pause
from news_shared.clock import Clock, system_clock
from news_shared.errors import FencedError, TransientError
from news_shared.lease import Lease
from news_shared.projection.contract import hash_tag
from news_shared.projection.metrics import ProjectionMetrics, process_metrics
from news_shared.projection.state import PartitionState, StateKeys
from news_shared.redis_client import RedisClient

log = structlog.get_logger()

GROUP = "news.related-neighbours"

_LOOK_EVERY = 0.1
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0
_HANGS_AFTER = 60.0


class NeighbourLoop:
    """Links by meaning while the lease is held; with `rebuilding`, in that generation beside the live one.

    Args:
        others: how many partitions the projections of this slot have: until all are live, nothing is complete.
    """

    def __init__(
        self,
        redis: RedisClient,
        *,
        others: int,
        lease: Lease | None = None,
        rebuilding: int | None = None,
        size: int = WINDOW_SIZE,
        clock: Clock = system_clock,
        metrics: ProjectionMetrics | None = None,
    ) -> None:
        self._redis = redis
        self._others = others
        self._lease = lease
        self._rebuilding = rebuilding
        self._size = size
        self._clock = clock
        self._metrics = metrics or process_metrics()
        self._stopping = asyncio.Event()
        self._neighbours: Neighbours | None = None
        self._turned_at = 0.0
        self._failures = 0

    def request_stop(self) -> None:
        """Finish the call in hand and end `run`."""
        self._stopping.set()

    def unready(self) -> list[str]:
        """Why the neighbours are not complete now; empty when all is well, or another process keeps them."""
        if self._lease is not None and not self._lease.is_held:
            return []
        if self._neighbours is None:
            return [f"{GROUP}: being read back"]
        if not self._neighbours.is_live:
            return [f"{GROUP}: catching up, {self.waiting} articles to link"]
        if (seconds := monotonic() - self._turned_at) > _HANGS_AFTER:
            return [f"{GROUP}: not looked after for {seconds:.0f} s: something hangs, see the log; restart it"]
        return []

    @property
    def waiting(self) -> int:
        """Articles that are to be linked, as far as this process knows."""
        return self._neighbours.waiting if self._neighbours else 0

    async def run(self) -> None:
        """Link until asked to stop.

        Raises:
            Exception: a bug; it was counted and the process must end.
        """
        while not self._stopping.is_set():
            if self._lease is not None and not self._lease.is_held:
                await pause(_LOOK_EVERY, unless=self._stopping)
                continue
            try:
                await self._link()
            except (TransientError, FencedError) as error:
                delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self._failures)
                self._failures = min(self._failures + 1, 10)
                self._metrics.discarded(GROUP, "mismatch" if isinstance(error, FencedError) else "transient")
                log.info("neighbours will be read back", in_seconds=delay, reason=str(error))
                await pause(delay, unless=self._stopping)
            finally:
                self._neighbours = None
                self._metrics.left(GROUP, 0)

    async def _link(self) -> None:
        token = self._lease.token if self._lease else ""
        keys = StateKeys(hash_tag(SERVICE, 0, TAG), "neighbours", 0)
        state = PartitionState(self._redis, keys, LINK_NEIGHBOURS_LUA, lease_token=token)
        neighbours = Neighbours(
            self._redis,
            state,
            size=self._size,
            live=self._rebuilding is None,
            others=self._others,
            clock=self._clock,
        )
        await neighbours.open(self._rebuilding)
        self._neighbours = neighbours
        while not self._stopping.is_set() and self._holds(token):
            try:
                is_more = await neighbours.turn()
            except (TransientError, FencedError):
                raise
            except Exception as error:
                await neighbours.crashed(error)
                raise
            self._failures, self._turned_at = 0, monotonic()
            self._metrics.lag(GROUP, 0, neighbours.waiting)
            if not is_more:
                await pause(_LOOK_EVERY, unless=self._stopping)

    def _holds(self, token: str) -> bool:
        return self._lease is None or (self._lease.is_held and self._lease.token == token)
