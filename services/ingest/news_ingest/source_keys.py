"""Keys of sources: made, rotated, revoked; each a record of its own on ``news.sources``."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from news_ingest.items import LATEST
from news_ingest.sources import Sources
from news_shared.api_keys import KeyEnd, KeyRecord, NewKey, key_end_key, key_record_key, new_key, stored_key
from news_shared.clock import Clock
from news_shared.problems import INVALID, NOT_FOUND, ProblemError

MAX_KEYS = 50
"""Of one source: more is a mistake of a program that makes keys."""
EXPIRED_KEPT = timedelta(days=7)
"""So long callers are told that their key expired; then it is removed."""


class SourceKeys:
    """Reads keys from memory and writes them to Kafka, as `Sources` does."""

    def __init__(self, sources: Sources, records: Mapping[bytes, bytes], clock: Clock) -> None:
        self._sources = sources
        self._records = records
        self._clock = clock

    def of(self, sources: Sequence[str]) -> dict[str, list[KeyRecord]]:
        """The keys of these sources, oldest first; of all of them in one look at the records."""
        found: dict[str, list[KeyRecord]] = {source: [] for source in sources}
        for name in self._records:
            source, mark, key_id = name.partition(b"|key|")
            if mark and source.decode() in found:
                found[source.decode()].append(self.get(source.decode(), key_id.decode()))
        for keys in found.values():
            keys.sort(key=lambda key: (key.created_at, key.id))
        return found

    def get(self, source: str, key_id: str) -> KeyRecord:
        """One key.

        Raises:
            ProblemError: 404.
        """
        key = stored_key(self._records, source, key_id)
        if key is None:
            raise ProblemError(
                NOT_FOUND,
                f"The source {source[:100]!r} has no key {key_id[:100]!r}. GET /v1/sources/<id>/keys lists its keys.",
            )
        return key

    async def add(self, source: str, template: KeyRecord) -> NewKey:
        """Give a source another key; its token is known only now.

        Args:
            source: its id.
            template: what the key may do and until when; its id and hash are replaced.

        Raises:
            ProblemError: 404 without such a source, 422 when it has very many keys or the end is past.
            TransientError: Kafka is away.
        """
        self._sources.get(source)
        if template.expires_at is not None and template.expires_at <= template.created_at:
            raise ProblemError(INVALID, "expires_at: lies in the past; name a later moment, or leave it out")
        await self._remove_long_expired(source)
        if len(self.of([source])[source]) >= MAX_KEYS:
            raise ProblemError(INVALID, f"The source {source} has {MAX_KEYS} keys. Revoke those that nobody uses.")
        key = new_key(source)
        record = template.model_copy(update={"id": key.id, "sha256": key.sha256})
        await self._sources.write(key_record_key(source, key.id), record.model_dump_json(exclude_none=True).encode())
        return key

    async def rotate(self, source: str, key_id: str, grace: timedelta) -> tuple[NewKey, KeyRecord, datetime]:
        """Replace a key by a new one that may do the same, for as long as the old one could when it was made.

        Returns:
            The new key, what is stored of it, and when the old one ends.

        Raises:
            ProblemError: 404 without such a key, 422 when it expired already.
            TransientError: Kafka is away.
        """
        old, now = self.get(source, key_id), self._clock()
        if old.expires_at is not None and old.expires_at <= now:
            raise ProblemError(INVALID, f"The key {key_id} has expired already. Make a new one instead.")
        made = KeyRecord.model_validate_json(self._records[key_record_key(source, key_id)])
        renewed = made.model_copy(update={"created_at": now, "expires_at": _renewed_end(made, now)})
        key = await self.add(source, renewed)
        ends = min(old.expires_at or now + grace, now + grace)
        if grace:
            await self._sources.write(key_end_key(source, key_id), KeyEnd(expires_at=ends).model_dump_json().encode())
        else:
            await self.revoke(source, key_id)
        return key, renewed, ends

    async def revoke(self, source: str, key_id: str) -> None:
        """Take a key away, at once.

        Raises:
            ProblemError: 404 without such a key.
            TransientError: Kafka is away.
        """
        self.get(source, key_id)
        await self._remove(source, key_id)

    async def revoke_all(self, source: str) -> None:
        """Take all keys of a source away. Raises TransientError: Kafka is away, and some may be left."""
        for key in self.of([source])[source]:
            await self._remove(source, key.id)

    async def _remove_long_expired(self, source: str) -> None:
        long_ago = self._clock() - EXPIRED_KEPT
        for key in self.of([source])[source]:
            if key.expires_at is not None and key.expires_at < long_ago:
                await self._remove(source, key.id)

    async def _remove(self, source: str, key_id: str) -> None:
        await self._sources.write(key_record_key(source, key_id), None)
        if key_end_key(source, key_id) in self._records:
            await self._sources.write(key_end_key(source, key_id), None)


def _renewed_end(key: KeyRecord, now: datetime) -> datetime | None:
    """The end of a key that is made now and lasts as long; what lasts for centuries ends at the latest date."""
    return now + min(key.expires_at - key.created_at, LATEST - now) if key.expires_at else None
