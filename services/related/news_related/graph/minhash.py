"""Signatures of texts by MinHash: how much of their wording two texts share, told from 64 bytes of each.

A text is the set of its runs of three words. Each of 64 hash functions keeps the smallest value that it has on the
set; two sets have the same smallest value with a probability that is their Jaccard similarity (Broder, 1997). Kept are
8 bits of each, which are equal by accident once in 256 times. Signatures are stored, so nothing here may change without
a rebuild of the graph.
"""

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from itertools import combinations

import numpy as np

HASHES = 64
SIGNATURE_BYTES = HASHES

BANDS, _ROWS = 6, 3
"""Texts that share 0.6 of their runs have one of the bands in common 77 times in 100, with 0.7 92 times, with 0.8 99
times; of two texts on other matters (0.005) one pair in 200,000 has."""

BAND_BYTES = 1 + _ROWS

MOST_CHARACTERS = 8_000
"""Of a text that are looked at: the work for an article does not grow with its length."""

_RUN = 3
_LEAST_RUNS = 20  # shorter texts are alike by accident

# Scripts without spaces: each letter is a word.
_WORD = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|\\w+?(?=[\u3040-\u9fff])|\\w+")


def _constants(name: str) -> "np.ndarray[tuple[int, int], np.dtype[np.uint64]]":
    digests = b"".join(blake2b(f"{name} {n}".encode(), digest_size=8).digest() for n in range(HASHES))
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64).reshape(HASHES, 1)


_FACTORS = _constants("factor") | np.uint64(1)
_TERMS = _constants("term")


def signature_of(text: str) -> bytes:
    """The signature of a text; empty where it is too short to tell."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold())
    runs = {" ".join(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)}
    if len(runs) < _LEAST_RUNS:
        return b""
    digests = b"".join(blake2b(run.encode(errors="replace"), digest_size=8).digest() for run in runs)
    hashed = _FACTORS * np.frombuffer(digests, dtype="<u8").astype(np.uint64) + _TERMS
    # The upper bits of a smallest value are mostly 0, the lower ones of a product say little.
    kept = (hashed.min(axis=1) >> np.uint64(32)) & np.uint64(0xFF)
    return bytes(kept.astype(np.uint8).tobytes())


def bands_of(signature: bytes) -> list[bytes]:
    """Names under which texts that share much stand together, `BAND_BYTES` each; none for an empty signature."""
    if not signature:
        return []
    return [bytes([band]) + signature[band * _ROWS : (band + 1) * _ROWS] for band in range(BANDS)]


def sharing_a_band(signatures: Sequence[bytes]) -> list[tuple[int, int]]:
    """The places of all pairs of signatures that have one of the bands in common, each once, the lower place first."""
    told = [(place, signature) for place, signature in enumerate(signatures) if signature]
    pairs: set[tuple[int, int]] = set()
    for start in range(0, BANDS * _ROWS, _ROWS):
        band = [signature[start : start + _ROWS] for _, signature in told]
        if len(set(band)) == len(band):  # as in most lists
            continue
        beside: dict[bytes, list[int]] = {}
        for (place, _), name in zip(told, band, strict=True):
            beside.setdefault(name, []).append(place)
        pairs.update(pair for places in beside.values() for pair in combinations(places, 2))
    return sorted(pairs)


def shared(one: bytes, other: bytes) -> float:
    """The estimated Jaccard similarity of two texts, off by 0.05 as a rule; 0 where one has no signature."""
    if not one or not other:
        return 0.0
    equal = np.frombuffer(one, dtype=np.uint8) == np.frombuffer(other, dtype=np.uint8)
    return float(np.count_nonzero(equal)) / HASHES
