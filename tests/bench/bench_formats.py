"""CPU time to read and sanitise one article of 3 KB with five links, in every format, and where it goes.

Run: ``uv run python -m tests.bench.bench_formats [--seconds S] [--json FILE]``; no servers.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from time import process_time

from rich.console import Console
from rich.table import Table

from news_ingest.bodies.sanitising import body_of_html
from news_ingest.formats.detection import Format, read_document
from news_ingest.formats.native import read_line
from news_ingest.submissions import Submission, encode_submission
from news_ingest.urls import canonical_url
from tests.bench.bench_ingest import an_article

_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_IN_A_FEED = 50


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    what: str
    microseconds: float

    @property
    def per_second(self) -> int:
        return round(1e6 / self.microseconds)


def documents() -> dict[str, tuple[Format, bytes, int]]:
    """An article, or a feed of 50, in each format."""
    article = an_article(7)
    html, title, url = (str(article[name]) for name in ("content_html", "title", "url"))
    ukrainian = html.replace("All quiet on the river. ", "На річці все тихо й мирно. ")
    rss_item = (
        f"<item><guid>7</guid><title>{title}</title><link>{url}</link><description>{escape(html)}</description></item>"
    )
    atom_entry = f'<entry><id>7</id><title>{title}</title><link href="{url}"/>'
    atom_entry += f'<content type="html">{escape(html)}</content></entry>'
    ninjs = {"uri": url, "headline": title, "body_html": html, "versioncreated": "2026-11-01T10:00:00Z"}
    newsml = (
        f'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{url}" version="1"><contentMeta><headline>{title}'
        f'</headline></contentMeta><contentSet><inlineXML><html xmlns="http://www.w3.org/1999/xhtml"><body>{html}</body></html>'
        "</inlineXML></contentSet></newsItem>"
    )
    return {
        "native JSON": (Format.JSON, json.dumps(article).encode(), 1),
        "native JSON, Ukrainian": (Format.JSON, json.dumps({**article, "content_html": ukrainian}).encode(), 1),
        "JSON Feed of 50": (
            Format.JSON_FEED,
            json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [article] * _IN_A_FEED}).encode(),
            _IN_A_FEED,
        ),
        "ninjs": (Format.NINJS, json.dumps(ninjs).encode(), 1),
        "NewsML-G2": (Format.NEWSML, newsml.encode(), 1),
        "RSS of 50": (
            Format.RSS,
            f"<rss><channel>{rss_item * _IN_A_FEED}</channel></rss>".encode(),
            _IN_A_FEED,
        ),
        "Atom of 50": (
            Format.ATOM,
            f'<feed xmlns="http://www.w3.org/2005/Atom">{atom_entry * _IN_A_FEED}</feed>'.encode(),
            _IN_A_FEED,
        ),
    }


def measured(what: str, work: Callable[[], object], seconds: float, articles: int = 1) -> Figure:
    """The mean of as many repetitions as fit."""
    work()
    repetitions, begun = 0, process_time()
    while process_time() - begun < seconds:
        work()
        repetitions += 1
    return Figure(what, (process_time() - begun) / repetitions / articles * 1e6)


def figures(seconds: float) -> list[Figure]:
    article = an_article(7)
    html, url = str(article["content_html"]), str(article["url"])
    line = json.dumps(article).encode()
    [(_, item)] = read_line(line, 0, "bench", _NOW).items
    submission = Submission(kind="article", id=item.id, received_at=_NOW, item=item)
    found = [
        measured("JSON alone", lambda: json.loads(line), seconds),
        measured("body alone", lambda: body_of_html(html, url), seconds),
        measured("one usual address", lambda: canonical_url(url), seconds),
        measured("one address with a query", lambda: canonical_url(f"{url}?id=7&utm_source=x"), seconds),
        measured("encoding for Kafka", lambda: encode_submission(submission, partitions=12), seconds),
        measured("a line of NDJSON", lambda: read_line(line, 0, "bench", _NOW), seconds),
    ]
    for what, (form, body, articles) in documents().items():

        def read(form: Format = form, body: bytes = body) -> None:
            assert not read_document(form, body, "", "bench", _NOW).rejected

        found.append(measured(what, read, seconds, articles))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds for each figure")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = figures(chosen.seconds)
    table = Table("3 KB, five links", "µs of CPU", "per CPU second", title="Reading and sanitising an article")
    for figure in found:
        table.add_row(figure.what, f"{figure.microseconds:,.0f}", f"{figure.per_second:,}")
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps({"bench": "formats", "rows": [asdict(figure) for figure in found]}, indent=2))


if __name__ == "__main__":
    main()
