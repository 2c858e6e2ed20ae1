"""Asking a service again and again: how long it takes to answer, one question at a time, and what that costs it."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from statistics import median, quantiles
from time import perf_counter
from urllib.parse import urlsplit

import psutil

from tests.testbed.role import RoleProcess

WARMING_UP = 20
"""Questions that are not counted: the first few fill pools and caches."""


@dataclass(frozen=True)
class Figure:
    """One question; milliseconds as the caller sees them."""

    what: str
    asked: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float | None = None

    @classmethod
    def of(cls, what: str, taken: list[float], cpu_seconds: float | None = None) -> "Figure":
        """From the milliseconds of each, and the CPU seconds of all."""
        cpu_ms = None if cpu_seconds is None else round(1000 * cpu_seconds / len(taken), 2)
        return cls(what, len(taken), round(median(taken), 2), round(quantiles(taken, n=100)[98], 2), cpu_ms)


class Asking:
    """Asks a service again and again on one connection, each time waiting for the answer.

    By the standard library's client: a richer one takes longer to ask than the service to answer.
    """

    def __init__(self, api: RoleProcess, times: int) -> None:
        self._api, self._times = api, times
        self._connection = HTTPConnection(urlsplit(api.url).netloc, timeout=30)

    def ask(self, what: str, url: Callable[[], str]) -> Figure:
        for _ in range(WARMING_UP):
            self._get(url())
        taken = []
        before = _cpu_seconds(self._api.pid)
        for _ in range(self._times):
            address = url()
            begun = perf_counter()
            self._get(address)
            taken.append(1000 * (perf_counter() - begun))
        return Figure.of(what, taken, _cpu_seconds(self._api.pid) - before)

    def _get(self, address: str) -> None:
        self._connection.request("GET", address)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{address[:100]}: {answer.status} {body[:500]!r}")


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
