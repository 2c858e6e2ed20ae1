"""The smallest projection: how often each word came, and in which order the words came last."""

from collections.abc import Sequence

from aiokafka import ConsumerRecord

from news_shared.errors import PoisonError, TransientError
from news_shared.projection.contract import Checkpoint, Effects, Ownership, ProjectionSpec, Restoring

TALLY_LUA = """
for i = 1, NARGS do redis.call('HINCRBY', KEYS[1], ARGV[i], 1) end
"""


class Tally:
    """Counts words; `bomb` is a bug, `poison` is poison, `away` a fault that passes after two tries."""

    away = 2
    poison = "poison"
    works = False

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership
        self.seen: list[str] = []

    async def restore(self, restoring: Restoring) -> int | None:
        return None

    async def load(self, checkpoint: Checkpoint) -> None:
        self.seen = []

    def decode(self, record: ConsumerRecord) -> str | None:
        word = (record.value or b"").decode()
        if word == Tally.poison:
            raise PoisonError("this word is poison")
        return word or None

    async def decide(self, events: Sequence[str]) -> Effects:
        if "bomb" in events:
            raise RuntimeError("bomb")
        if "away" in events and Tally.away > 0:
            Tally.away -= 1
            raise TransientError("away")
        self.seen += events
        return Effects([f"{self._ownership.prefix}tally"], list(events))

    async def settle(self) -> Sequence[Effects]:
        """Nothing is put off."""
        return ()

    async def tick(self) -> None: ...

    async def close(self) -> None: ...


def tally_spec(topic: str, *, group: str = "news.tally") -> ProjectionSpec[str]:
    return ProjectionSpec(group=group, topic=topic, service="tally", lua=TALLY_LUA, open=Tally, max_records=50)
