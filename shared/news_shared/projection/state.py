"""The state of one partition in Redis: offset, generation and effects move together, in one call or not at all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, cast
from uuid import uuid4

from news_shared.errors import FencedError
from news_shared.projection.contract import Checkpoint, Effects, Fingerprint
from news_shared.projection.state_scripts import BEGINNING_TO_RESTORE, MOVING, READING, Script, applying
from news_shared.redis_client import RedisClient, awaited, redis_errors


@dataclass(frozen=True)
class Stored:
    """What Redis says of a partition when somebody takes it over."""

    generation: int
    next_offset: int | None  # None: no state, restore
    fingerprint: Fingerprint | None
    attempts: int  # crashes at this offset so far


@dataclass(frozen=True)
class StateKeys:
    """Names of the keys that the runtime itself keeps beside the projection's.

    ``as_of`` has a field for each partition that is live; queries are refused until all of them are there.
    """

    tag: str
    topic: str
    partition: int

    @property
    def live(self) -> str:
        """Hash: which generation queries read (``generation``), and a name of the last effects (``changed``)."""
        return f"{self.tag}:live"

    @property
    def former(self) -> str:
        """Set: generations whose place another took and whose keys are to be deleted."""
        return f"{self.tag}:former"

    @property
    def replay(self) -> str:
        """List: positions in the dead letters that are to be applied again, as ``partition/offset``."""
        return replay_key(self.tag, self.topic, self.partition)

    @property
    def lease(self) -> str:
        """String: token of the single owner, for projections that have one."""
        return f"{self.tag}:lease"

    def prefix(self, generation: int) -> str:
        """What every key of one generation starts with."""
        return f"{self.tag}:{generation}:"

    def state(self, generation: int) -> str:
        """Hash: next offset, fingerprint, attempts."""
        return state_key(self.prefix(generation), self.topic, self.partition)

    def as_of(self, generation: int) -> str:
        """Hash: for each live partition, up to when its answers are right, in ms."""
        return f"{self.prefix(generation)}as-of"


def state_key(prefix: str, topic: str, partition: int) -> str:
    """Key of the hash with a partition's next offset (``next``); ``prefix`` is that of a generation's keys."""
    return f"{prefix}state:{topic}:{partition}"


def replay_key(tag: str, topic: str, partition: int) -> str:
    """Key of the requests to apply parked records of a partition again; ``tag`` is that of the projection."""
    return f"{tag}:replay:{topic}:{partition}"


class MismatchError(FencedError):
    """Redis is not where this process thought it was: discard everything and take over anew."""


class PartitionState:
    """Reads and moves the state of one partition in one generation; made anew for each time with it.

    It knows the name of the last effects that it read or applied, so that every call notices when Redis has lost some.
    """

    def __init__(self, redis: RedisClient, keys: StateKeys, lua: str, *, lease_token: str = "") -> None:
        self._redis = redis
        self.keys = keys
        self._applying = applying(lua)
        self._token = lease_token
        self._nonce = uuid4().hex
        self._calls = count()
        self._effects = b""

    async def read(self, generation: int | None = None) -> Stored:
        """What is stored for the live generation, or for the one that is named.

        Raises:
            TransientError: Redis is away.
        """
        with redis_errors("reading the partition's state"):
            if generation is None:
                generation = int(await awaited(self._redis.hget(self.keys.live, "generation")) or 1)
            fields = ["next", "fingerprint", "attempts", "effects"]
            stored = await awaited(self._redis.hmget(self.keys.state(generation), fields))
        next_offset, fingerprint, attempts, effects = cast("list[bytes | None]", stored)
        self._effects = effects or b""
        return Stored(
            generation,
            None if next_offset is None else int(next_offset),
            Fingerprint.parse(fingerprint.decode()) if fingerprint else None,
            int(attempts or 0),
        )

    async def apply(
        self,
        checkpoint: Checkpoint,
        effects: Effects,
        advanced: Checkpoint,
        *,
        live: bool,
        as_of_ms: int | None,
    ) -> None:
        """Apply the effects and store the new offset, if Redis is still at the checkpoint.

        Repeating a call that had succeeded succeeds. ``live`` also demands that this generation is the live one.

        Raises:
            MismatchError: Redis stands elsewhere (fail-over, another owner, switched generation): discard.
            TransientError: Redis is away; whether it was applied is unknown.
        """
        script = self._applying if effects.keys or effects.args else MOVING
        answer = await self._run(
            script,
            effects,
            checkpoint.generation,
            [
                checkpoint.generation if live else "",
                checkpoint.next_offset,
                str(checkpoint.fingerprint or ""),
                self._token,
                advanced.next_offset,
                str(advanced.fingerprint or ""),
                "" if as_of_ms is None else as_of_ms,
                "",
            ],
        )
        if answer[0] == b"ok":
            return
        mine = (str(advanced.next_offset).encode(), str(advanced.fingerprint or "").encode())
        if answer[0] == b"offset" and (answer[1], answer[2]) == mine and advanced != checkpoint:
            return  # the client re-sent a call whose answer was lost
        raise MismatchError(
            f"{self.keys.state(checkpoint.generation)}: expected offset {checkpoint.next_offset}, "
            f"Redis has {_shown(answer[1])} ({answer[0].decode()})"
        )

    async def next_replay(self) -> str | None:
        """The position in the dead letters that a person asked to be applied again, the oldest request first.

        Raises:
            TransientError: Redis is away.
        """
        with redis_errors("looking for records to apply again"):
            position = await awaited(self._redis.lindex(self.keys.replay, 0))
        return position.decode() if position else None

    async def apply_replayed(self, checkpoint: Checkpoint, effects: Effects, position: str) -> None:
        """Apply the effects of a parked record and strike its request off, if Redis is still at the checkpoint.

        Repeating it changes nothing. Errors as in `apply`.
        """
        script = self._applying if effects.keys or effects.args else MOVING
        expected = (checkpoint.generation, checkpoint.next_offset, str(checkpoint.fingerprint or ""))
        protocol = (*expected, self._token, "", "", "", position)
        answer = await self._run(script, effects, checkpoint.generation, protocol)
        if answer[0] != b"ok":
            raise MismatchError(f"{self.keys.state(checkpoint.generation)}: Redis has {_shown(answer[1])}")

    async def read_as_of(self, checkpoint: Checkpoint, commands: Sequence[Sequence[str]], *, live: bool) -> list[Any]:
        """Run read commands atomically, if Redis is at the checkpoint.

        A script, because redis-py's pipelines are no transactions in a cluster without a thread of their own.

        Raises:
            MismatchError: Redis stands elsewhere.
            TransientError: Redis is away.
        """
        keys = [self.keys.live, self.keys.state(checkpoint.generation), *dict.fromkeys(c[1] for c in commands)]
        with redis_errors("reading as of the checkpoint"):
            answer = await READING.run(self._redis, keys, [json.dumps(list(map(list, commands)))])
        generation, next_offset, fingerprint, effects, results = cast("list[Any]", answer)
        expected = (str(checkpoint.next_offset).encode(), str(checkpoint.fingerprint or "").encode(), self._effects)
        switched = live and generation != str(checkpoint.generation).encode()
        if switched or (next_offset, fingerprint, effects) != expected:
            raise MismatchError(
                f"{self.keys.state(checkpoint.generation)}: expected offset {checkpoint.next_offset}, "
                f"Redis has {_shown(next_offset)}"
            )
        return cast("list[Any]", results)

    async def begin_restore(self, generation: int) -> None:
        """Become the one that restores; whoever restored before is shut out.

        Raises:
            MismatchError: there is state by now.
        """
        with redis_errors("beginning to restore"):
            begun = await BEGINNING_TO_RESTORE.run(
                self._redis, [self.keys.live, self.keys.state(generation)], [generation, self._nonce]
            )
        if not begun:
            raise MismatchError(f"{self.keys.state(generation)} was restored by another process")
        self._effects = b""

    async def put_restored(self, generation: int, effects: Effects) -> None:
        """Apply restored effects while still the one that restores.

        Raises:
            MismatchError: another process restores now, or Redis has lost what was put before.
        """
        await self._restoring(self._applying, generation, effects, "")

    async def finish_restore(self, generation: int, next_offset: int) -> None:
        """From here on the log goes on. Errors as in `put_restored`."""
        await self._restoring(MOVING, generation, Effects(), next_offset)

    async def count_attempt(self, generation: int) -> int:
        """Note that the process is about to die of the record at the stored offset; returns how often it did."""
        with redis_errors("counting an attempt"):
            return int(await awaited(self._redis.hincrby(self.keys.state(generation), "attempts", 1)))

    async def _restoring(self, script: Script, generation: int, effects: Effects, next_offset: int | str) -> None:
        answer = await self._run(
            script, effects, generation, ["", "restoring", self._nonce, self._token, next_offset, "", "", ""]
        )
        if answer[0] != b"ok":
            raise MismatchError(
                f"{self.keys.state(generation)} is restored by another process, or Redis lost a part of it"
            )

    async def _run(
        self, script: Script, effects: Effects, generation: int, protocol: Sequence[str | int]
    ) -> list[bytes]:
        keys = [
            *effects.keys,
            self.keys.live,
            self.keys.state(generation),
            self.keys.as_of(generation),
            self.keys.lease,
            self.keys.replay,
        ]
        change = f"{self._nonce}:{next(self._calls)}" if script is self._applying else ""
        with redis_errors("applying effects"):
            args = [*effects.args, *protocol, self._effects, change]
            answer = cast("list[bytes]", await script.run(self._redis, keys, args))
        if answer[0] == b"ok":
            self._effects = answer[3]
        return answer


def _shown(offset: bytes | None) -> str:
    return "nothing" if offset is None else offset.decode()
