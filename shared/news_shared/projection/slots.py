"""How query APIs read a projection: the live generation, and never a number from a partition being restored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha1
from itertools import chain
from typing import Any, Final

import msgpack
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from news_shared.clock import from_epoch_ms
from news_shared.errors import RebuildingError
from news_shared.projection.contract import hash_tag
from news_shared.redis_client import RedisClient, redis_errors

Command = Sequence[str | int | bytes]
"""One that reads: its name, its key, the rest."""
RelativeCommand = tuple[str, str, *tuple[str | int | bytes, ...]]
"""The same with its key as it stands behind the prefix of the live generation."""
Question = Callable[[str], Sequence[Command]]
"""The commands for a partition, given the prefix of the live generation's keys."""

_STANDING: Final = """
local function standing(live_key, as_of_key)
  local moments = redis.call('HVALS', as_of_key)
  local as_of = tonumber(moments[1]) or 0
  for _, moment in ipairs(moments) do as_of = math.min(as_of, tonumber(moment)) end
  local live = redis.call('HMGET', live_key, 'generation', 'changed')
  return {live[1], live[2], #moments, as_of}
end
"""


@dataclass(frozen=True)
class ReadScript:
    """Lua that reads partitions; made by `read_script`."""

    text: str

    @cached_property
    def sha(self) -> str:
        """Its name in Redis."""
        return sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def read_script(body: str) -> ReadScript:
    """A script for one partition in which it depends on what was found what is read next: all in one round trip.

    Args:
        body: sees the arguments as ``ARGV`` and what the live generation's keys begin with as ``PREFIX``, and returns a
            list of results without holes. It writes nothing, and finds the same as long as the state is the same.
    """
    return ReadScript(
        f"{_STANDING}\nlocal PREFIX = KEYS[3]\nlocal function results()\n{body}\nend\n"
        "local answer = standing(KEYS[1], KEYS[2])\n"
        "for _, result in ipairs(results()) do answer[#answer + 1] = result end\n"
        "return {answer}"
    )


# In one call, because each command and each answer costs the client more than it costs the server; and commands that
# differ only in their keys together, because their words cost the server as much as what they find.
_ASK: Final = ReadScript(
    _STANDING
    + """
local found = {}
local place = 1
for _, runs in ipairs(cmsgpack.unpack(ARGV[1])) do
  local answer = standing(KEYS[place], KEYS[place + 1])
  place = place + 2
  for _, run in ipairs(runs) do
    for i = 1, run[3] do
      answer[#answer + 1] = redis.call(run[1], KEYS[place], unpack(run[2]))
      place = place + 1
    end
  end
  found[#found + 1] = answer
end
return found
"""
)


@dataclass(frozen=True)
class SlotAnswer:
    """Results in the order of the commands, and up to when they are right.

    Attributes:
        version: of the partition's state: the same commands find the same while it is this one. None where it cannot
            be told, as it was last changed by software that did not say so.
    """

    results: list[Any]
    as_of: datetime
    version: bytes | None


class Slots:
    """Reads the partitions of one projection.

    Args:
        sources: how many topic partitions feed one slot; 1 unless a `tag` is shared.
        tag: the one hash tag of a projection with a single owner; then `partition` is always 0.
    """

    def __init__(self, redis: RedisClient, service: str, *, sources: int = 1, tag: str | None = None) -> None:
        self._redis = redis
        self._service = service
        self._sources = sources
        self._tag = tag
        self._generations: dict[int, int] = {}

    async def ask(self, questions: Mapping[int, Question]) -> dict[int, SlotAnswer]:
        """Run read commands on the live generations of several partitions: in one round trip to each server of Redis,
        and in one step within each partition. Results are as the protocol has them: pairs come flat.

        Raises:
            RebuildingError: one of them has no complete state now.
            TransientError: Redis is away.
        """
        answers: dict[int, SlotAnswer] = {}
        for _ in range(3):  # a switch of generations between two tries is rare, two are not a thing
            left = [partition for partition in questions if partition not in answers]
            if not left:
                return answers
            calls = [self._call(partitions, questions) for partitions in self._asked_together(left)]
            for partition, row in zip(left, await self._rows(_ASK, calls), strict=True):
                answer = self._answer(partition, row)
                if answer is not None:
                    answers[partition] = answer
        if answers.keys() != questions.keys():
            raise self._rebuilding(min(questions.keys() - answers.keys()))
        return answers

    async def read(self, partition: int, *commands: RelativeCommand) -> SlotAnswer:
        """Run read commands on one partition; their keys are named without the prefix. The rest is as in `ask`."""

        def question(prefix: str) -> Sequence[Command]:
            return [(name, prefix + key, *rest) for name, key, *rest in commands]

        return (await self.ask({partition: question}))[partition]

    async def find(self, partition: int, script: ReadScript, *args: str | int | bytes) -> SlotAnswer:
        """Run a script on one partition. The rest is as in `ask`."""
        for _ in range(3):
            prefix = self._prefix(partition)
            keys = (self._live(partition), f"{prefix}as-of", prefix)
            [row] = await self._rows(script, [[len(keys), *keys, *args]])
            if (answer := self._answer(partition, row)) is not None:
                return answer
        raise self._rebuilding(partition)

    def _asked_together(self, partitions: Sequence[int]) -> Sequence[Sequence[int]]:
        """One server takes keys of all partitions in a call, a cluster refuses those of two hash slots."""
        return [[partition] for partition in partitions] if isinstance(self._redis, RedisCluster) else [partitions]

    def _call(self, partitions: Sequence[int], questions: Mapping[int, Question]) -> list[str | int | bytes]:
        """Number of keys, keys in the order in which the script comes to them, and what it does with each."""
        keys: list[str | int | bytes] = []
        asked = []
        for partition in partitions:
            prefix = self._prefix(partition)
            keys += (self._live(partition), f"{prefix}as-of")
            runs: list[list[Any]] = []
            of: tuple[Any, ...] | None = None
            for name, key, *rest in questions[partition](prefix):
                if (name, rest) != of:
                    of = (name, rest)
                    runs.append([name, rest, 0])
                runs[-1][2] += 1
                keys.append(key)
            asked.append(runs)
        return [len(keys), *keys, msgpack.packb(asked, use_bin_type=False)]

    async def _rows(self, script: ReadScript, calls: Sequence[Sequence[str | int | bytes]]) -> list[Any]:
        """What the partitions of all calls said, one after the other."""
        with redis_errors("reading a projection"):
            try:
                found = await self._run("EVALSHA", script.sha, calls)
            except NoScriptError:  # also on a node that took over a moment ago
                found = await self._run("EVAL", script.text, calls)
        return list(chain.from_iterable(found))

    async def _run(self, command: str, script: str, calls: Sequence[Sequence[str | int | bytes]]) -> list[Any]:
        if len(calls) == 1:  # costs the client less than a pipeline of one
            return [await self._redis.execute_command(command, script, *calls[0])]
        pipe: Any = self._redis.pipeline(transaction=False)
        for call in calls:
            pipe.execute_command(command, script, *call)
        return list(await pipe.execute())

    def _answer(self, partition: int, row: Sequence[Any]) -> SlotAnswer | None:
        """What a partition said; None when another generation is live, which the next try asks."""
        live, changed, sources, as_of, *results = row
        if live is None:
            raise self._rebuilding(partition)
        if int(live) != self._generations.get(partition, 1):
            self._generations[partition] = int(live)
            return None
        if sources < self._sources:
            raise self._rebuilding(partition)
        return SlotAnswer(results, from_epoch_ms(as_of), None if changed is None else live + b":" + changed)

    def _live(self, partition: int) -> str:
        return f"{hash_tag(self._service, partition, self._tag)}:live"

    def _prefix(self, partition: int) -> str:
        tag = hash_tag(self._service, partition, self._tag)
        return f"{tag}:{self._generations.get(partition, 1)}:"

    def _rebuilding(self, partition: int) -> RebuildingError:
        return RebuildingError(f"{self._service}: partition {partition} is being restored")
