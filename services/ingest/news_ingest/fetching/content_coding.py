"""Undoing gzip, deflate, Brotli and Zstandard as the bytes come in, never further than the limit."""

import sys
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

from news_ingest.fetching.errors import FetchError

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
_PIECE = 64 * 1024  # what one step may give, however little it was fed
_ZSTD_WINDOW = 23  # 8 MB, the most that RFC 9659 lets a server use
_MAX_CODINGS = 2


class Decoder(Protocol):
    """Undoes one coding."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What these bytes give, in pieces of at most 64 KB."""

    def is_complete(self) -> bool:
        """Whether the coded content has come to its end."""


class _Zlib:
    def __init__(self, window: int) -> None:
        self._window = window
        self._inner = zlib.decompressobj(window)
        self._begun = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        if not self._begun and data and self._window == zlib.MAX_WBITS and data[0] & 0x0F != zlib.DEFLATED:
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers send «deflate» without its header
        self._begun = self._begun or bool(data)
        while data:
            if self._inner.eof:  # gzip may have several members
                if self._window != zlib.MAX_WBITS | 16 or not data.startswith(b"\x1f\x8b"):
                    return  # padding after the end
                self._inner = zlib.decompressobj(self._window)
            piece = self._inner.decompress(data, _PIECE)
            data = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            if piece:
                yield piece
        while not self._inner.eof and (piece := self._inner.decompress(b"", _PIECE)):
            yield piece

    def is_complete(self) -> bool:
        return self._inner.eof


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._inner.is_finished():
            return
        yield self._inner.process(data, output_buffer_limit=_PIECE)
        while not self._inner.is_finished():  # output may be left although more data would be accepted
            piece = self._inner.process(b"", output_buffer_limit=_PIECE)
            if not piece and self._inner.can_accept_more_data():
                return
            yield piece

    def is_complete(self) -> bool:
        return bool(self._inner.is_finished())


class _Zstandard:
    def __init__(self) -> None:
        self._inner = self._new()

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data or not (self._inner.needs_input or self._inner.eof):
            if self._inner.eof:
                self._inner = self._new()
            yield self._inner.decompress(data, _PIECE)
            data = self._inner.unused_data if self._inner.eof else b""

    def is_complete(self) -> bool:
        return self._inner.eof

    @staticmethod
    def _new() -> "zstd.ZstdDecompressor":
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})


def decoders(content_encoding: str) -> list[Decoder]:
    """What undoes a Content-Encoding, in the order of undoing.

    Raises:
        FetchError: a coding that was not asked for, or too many of them.
    """
    names = [name.strip().lower() for name in content_encoding.split(",") if name.strip()]
    names = [name for name in names if name != "identity"]
    if len(names) > _MAX_CODINGS:
        raise FetchError("bad-encoding", f"Content-Encoding names {len(names)} codings; at most {_MAX_CODINGS}")
    return [_decoder(name) for name in reversed(names)]


def _decoder(name: str) -> Decoder:
    if name in {"gzip", "x-gzip"}:
        return _Zlib(zlib.MAX_WBITS | 16)
    if name == "deflate":
        return _Zlib(zlib.MAX_WBITS)
    if name == "br":
        return _Brotli()
    if name == "zstd":
        return _Zstandard()
    raise FetchError("bad-encoding", f"Content-Encoding {name[:40]!r} was not asked for: {ACCEPT_ENCODING}")


class LimitedBody:
    """Collects a body while it is decoded; holds at most the limit and one piece."""

    def __init__(self, content_encoding: str, limit: int) -> None:
        self._decoders = decoders(content_encoding)
        self._limit = limit
        self._parts: list[bytes] = []
        self._raw = 0
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take what came over the wire.

        Raises:
            FetchError: the limit is passed, before or after decoding, or the coding is broken.
        """
        self._raw += len(chunk)
        if self._raw > self._limit:
            raise self._too_large()
        try:
            for piece in _through(self._decoders, chunk):
                self._size += len(piece)
                if self._size > self._limit:
                    raise self._too_large()
                self._parts.append(piece)
        except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
            raise FetchError("bad-encoding", f"the body is not what its Content-Encoding says: {error}") from error

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            FetchError: it ended in the middle of a coding.
        """
        if self._raw and not all(decoder.is_complete() for decoder in self._decoders):
            raise FetchError("bad-encoding", "the compressed body ends in the middle")
        return b"".join(self._parts)

    def _too_large(self) -> FetchError:
        unpacked = " when it is unpacked" if self._raw <= self._limit else ""
        return FetchError("too-large", f"the body has more than {self._limit:,} bytes{unpacked}")


def _through(chain: list[Decoder], chunk: bytes) -> Iterator[bytes]:
    if not chain:
        yield chunk
        return
    for piece in chain[0].decode(chunk):
        yield from _through(chain[1:], piece)
