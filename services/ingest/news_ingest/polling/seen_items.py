"""Which items of a poll are new or changed, compared with the poll before."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from news_ingest.decisions import is_older, version_of
from news_ingest.items import Item, content_hash
from news_shared.clock import rfc3339

Seen: TypeAlias = Mapping[str, str]
"""Of each item of the poll before: its guid, and a fingerprint of what it said."""

_MAX_ITEMS = 2000
_CONTENT = 16  # characters of the fingerprint that stand for what readers see


@dataclass(frozen=True)
class Compared:
    """The outcome, and what to remember once it has been written."""

    new: tuple[Item, ...]
    changed: tuple[Item, ...]
    seen: Seen
    renamed: int
    """Items that came with another guid and nothing else new; they keep their former one."""


def compare(items: Sequence[Item], before: Seen) -> Compared:
    """Tell new, changed and known items apart; of a guid that stands twice the newest version is told.

    Some feeds make new guids at each poll. An item that is unknown by its guid, but equal to one whose guid has
    disappeared, is that one.
    """
    newest = _newest_of_each(items)
    fingerprints = {guid: _fingerprint(item) for guid, item in newest.items()}
    vanished: dict[str, list[str]] = {}
    for guid, fingerprint in before.items():
        if guid not in fingerprints:
            vanished.setdefault(fingerprint[:_CONTENT], []).append(guid)
    new: list[Item] = []
    changed: list[Item] = []
    seen: dict[str, str] = {}
    renamed = 0
    for item in newest.values():
        fingerprint = fingerprints[item.guid]
        guids = vanished.get(fingerprint[:_CONTENT]) if item.guid not in before and item.url else None
        if guids:
            item = item.model_copy(update={"guid": guids.pop(0)})  # the same item by its old name
            renamed += 1
        seen[item.guid] = fingerprint
        if item.guid not in before:
            new.append(item)
        elif before[item.guid] != fingerprint:
            changed.append(item)
    remembered = dict(islice(seen.items(), _MAX_ITEMS))  # what is forgotten is sent again, which is safe
    return Compared(tuple(new), tuple(changed), remembered, renamed)


def packed(seen: Seen) -> bytes:
    """As it is stored."""
    return json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode()


def unpacked(stored: bytes | None) -> Seen:
    """The inverse; nothing when nothing, or something else, is stored."""
    try:
        found = json.loads(stored or b"{}")
    except ValueError:
        return {}
    return {str(guid): str(fingerprint) for guid, fingerprint in found.items()} if isinstance(found, dict) else {}


def _newest_of_each(items: Sequence[Item]) -> dict[str, Item]:
    """By guid; of versions that do not tell which is newer the one that stands last, as the publisher has it."""
    newest: dict[str, Item] = {}
    for item in items:
        other = newest.get(item.guid)
        if other is None or not is_older(version_of(item), version_of(other)):
            newest[item.guid] = item
    return newest


def _fingerprint(item: Item) -> str:
    until = rfc3339(item.embargoed_until) if item.embargoed_until else ""
    rest = json.dumps([item.version, item.status, until, item.dated])
    return content_hash(item)[:_CONTENT] + hashlib.sha256(rest.encode()).hexdigest()[:8]
