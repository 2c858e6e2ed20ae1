"""Keys of a source by their stored records: ends far away, and what a rotation gives."""

from datetime import UTC, datetime, timedelta
from typing import cast

from news_ingest.items import LATEST
from news_ingest.source_keys import SourceKeys
from news_ingest.sources import Source, Sources
from news_shared.api_keys import KeyRecord, key_record_key
from tests.ingest.builders import NOON

HOUR = timedelta(hours=1)


class Desk:
    """Writes records to memory."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}
        self.now = NOON
        self.keys = SourceKeys(cast("Sources", self), self.records, clock=lambda: self.now)

    def get(self, source: str) -> Source:
        return Source(id=source, created_at=NOON)

    async def write(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self.records.pop(key, None)
        else:
            self.records[key] = value

    def template(self, *, ends: datetime | None = None) -> KeyRecord:
        return KeyRecord(id="", sha256="", created_at=self.now, scopes=("articles:write",), expires_at=ends)


async def test_a_key_that_is_stored_with_an_end_in_the_last_year_of_all_stops_nothing() -> None:
    desk = Desk()
    stored = desk.template(ends=datetime(9999, 12, 31, tzinfo=UTC)).model_copy(update={"id": "old"})
    desk.records[key_record_key("s", "old")] = stored.model_dump_json().encode()
    await desk.keys.add("s", desk.template())
    _, renewed, ends = await desk.keys.rotate("s", "old", HOUR)
    assert (renewed.expires_at, ends) == (LATEST, NOON + HOUR)


async def test_a_key_that_expired_long_ago_is_removed_when_another_is_made() -> None:
    desk = Desk()
    first = await desk.keys.add("s", desk.template(ends=NOON + HOUR))
    desk.now = NOON + HOUR + timedelta(days=7)
    second = await desk.keys.add("s", desk.template())
    assert {key.id for key in desk.keys.of(["s"])["s"]} == {first.id, second.id}
    desk.now += timedelta(seconds=1)
    third = await desk.keys.add("s", desk.template())
    assert {key.id for key in desk.keys.of(["s"])["s"]} == {second.id, third.id}


async def test_a_key_that_is_rotated_again_in_its_grace_gives_one_that_lasts_as_long_as_it_first_did() -> None:
    for lasts in (None, timedelta(days=90)):
        desk = Desk()
        first = await desk.keys.add("s", desk.template(ends=NOON + lasts if lasts else None))
        await desk.keys.rotate("s", first.id, HOUR)
        desk.now = NOON + HOUR / 2
        _, renewed, ends = await desk.keys.rotate("s", first.id, HOUR)
        assert (renewed.expires_at, ends) == (desk.now + lasts if lasts else None, NOON + HOUR)
