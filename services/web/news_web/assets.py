"""Stylesheet, script and icon: read once, served under an address that changes with their content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file and the address that it has as long as it stays what it is."""

    path: str
    content: bytes
    media_type: str


def load_assets() -> Mapping[str, Asset]:
    """All files by name."""
    return {file.name: _asset(file) for file in sorted(_FOLDER.iterdir()) if file.suffix in _TYPES}


def _asset(file: Path) -> Asset:
    content = file.read_bytes()
    digest = hashlib.blake2b(content, digest_size=6).hexdigest()
    return Asset(f"/static/{digest}/{file.name}", content, _TYPES[file.suffix])
