"""Pages a second: the sample newsroom behind all services, pages with every part, packed as browsers ask for them.

In turn and one after the other for the CPU that a page costs the web process; then 100 a second on eight connections
for how long readers wait, from the moment when a page was due: what waits behind another page counts as waiting. A page
that lacks a part would be cheap, so each kind is looked at before it is measured; pages of which a part came too late
are counted.

Run: ``uv run python -m tests.bench.bench_web [--pages N] [--rate N] [--json FILE]``.
"""

import argparse
import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from threading import Event
from time import monotonic, perf_counter
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from tests.end_to_end.running_up import newsfeed_up

_HEADERS = {"Accept-Encoding": "gzip", "Accept-Language": "uk", "User-Agent": "bench"}
_ARTICLES = 60
_PATIENCE_SECONDS = 120
_CONNECTIONS = 8
_LEFT_OUT = ("зараз показати не вдається", "не вдалося звірити", "unavailable", "stale")


@dataclass(frozen=True)
class Figure:
    """One kind of page.

    Attributes:
        cpu_ms: of the web process, of each page.
        incomplete: pages of which a part was left out because it came too late.
    """

    what: str
    pages: int
    cpu_ms: float
    per_cpu_second: int
    p50_ms: float
    p99_ms: float
    incomplete: int


class Readers:
    """Get pages and look whether they are whole."""

    def __init__(self, site: str, pid: int) -> None:
        self._host = urlsplit(site).netloc
        self._web = psutil.Process(pid)

    def get(self, connection: HTTPConnection, path: str) -> bytes:
        connection.request("GET", path, headers=_HEADERS)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return body

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self._host, timeout=30)

    def one_by_one(self, what: str, paths: Sequence[str], pages: int) -> Figure:
        connection = self.connect()
        for path in paths:  # once, so that nothing is the first
            self.get(connection, path)
        taken, bodies = [], []
        before = self._cpu_seconds()
        for path in islice(cycle(paths), pages):
            begun = perf_counter()
            bodies.append(self.get(connection, path))
            taken.append(1000 * (perf_counter() - begun))
        return self._figure(what, taken, bodies, self._cpu_seconds() - before)

    def at_a_rate(self, what: str, paths: Sequence[str], pages: int, *, per_second: int) -> Figure:
        begin = monotonic() + 0.5
        due = [(begin + n / per_second, path) for n, path in enumerate(islice(cycle(paths), pages))]
        before = self._cpu_seconds()
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            shares = [pool.submit(self._in_time, due[n::_CONNECTIONS]) for n in range(_CONNECTIONS)]
            taken = [each for share in shares for each in share.result()]
        waited, bodies = [ms for ms, _ in taken], [body for _, body in taken]
        return self._figure(what, waited, bodies, self._cpu_seconds() - before)

    def _in_time(self, due: Sequence[tuple[float, str]]) -> list[tuple[float, bytes]]:
        connection, never = self.connect(), Event()
        taken = []
        for moment, path in due:
            never.wait(max(moment - monotonic(), 0))
            body = self.get(connection, path)
            taken.append((1000 * (monotonic() - moment), body))
        return taken

    def _figure(self, what: str, taken: list[float], bodies: Sequence[bytes], cpu_seconds: float) -> Figure:
        return Figure(
            what,
            len(taken),
            round(1000 * cpu_seconds / len(taken), 2),
            round(len(taken) / cpu_seconds),
            round(median(taken), 1),
            round(quantiles(taken, n=100)[98], 1),
            sum(not _is_whole(body) for body in bodies),
        )

    def _cpu_seconds(self) -> float:
        times = self._web.cpu_times()
        return float(times.user + times.system)


def _is_whole(body: bytes) -> bool:
    text = gzip.decompress(body).decode() if body[:2] == b"\x1f\x8b" else body.decode()
    return not any(words in text for words in _LEFT_OUT)


def _has_every_part(readers: Readers, path: str) -> bool:
    body = readers.get(readers.connect(), path)
    text = gzip.decompress(body).decode() if body[:2] == b"\x1f\x8b" else body.decode()
    parts = ('class="card"', 'id="so-far"', 'id="related"', 'id="by-theme"', " views=")
    return _is_whole(body) and all(part in text for part in parts)


def _wait(what: str, is_so: Callable[[], bool]) -> None:
    give_up, pause = monotonic() + _PATIENCE_SECONDS, Event()
    while not is_so():
        if monotonic() > give_up:
            raise RuntimeError(f"waited {_PATIENCE_SECONDS} s for {what}")
        pause.wait(0.2)


def measure(pages: int, rate: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, newsfeed_up(Path(folder)) as up:
        readers = Readers(up.ready["web"], up.ready["pids"]["web"])

        def listed() -> list[str]:
            answer = json.loads(gzip.decompress(readers.get(readers.connect(), "/v1/articles?limit=100")))
            return [f"/articles/{item['id']}" for item in answer["items"]]

        _wait("the sample newsroom", lambda: len(listed()) >= _ARTICLES)
        articles = listed()
        _wait("an article with every part", lambda: any(_has_every_part(readers, path) for path in articles))
        whole = [path for path in articles if _has_every_part(readers, path)]
        json_pages = [f"/v1/pages/{path.rpartition('/')[2]}" for path in articles]
        return [
            readers.one_by_one("articles in turn", articles, pages),
            readers.one_by_one("one article, with all parts", whole[:1], pages),
            readers.one_by_one("articles as JSON in turn", json_pages, pages),
            readers.one_by_one("front page", ["/"], pages),
            readers.at_a_rate(f"articles in turn, {rate} a second", articles, pages, per_second=rate),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=2_000)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures = measure(chosen.pages, chosen.rate)
    columns = ("what", "pages", "CPU ms", "a CPU second", "p50 ms", "p99 ms", "incomplete")
    table = Table(*columns, title="web, sample newsroom")
    for figure in figures:
        table.add_row(*map(str, asdict(figure).values()))
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps({"bench": "web", "rows": [asdict(figure) for figure in figures]}, indent=2))


if __name__ == "__main__":
    main()
