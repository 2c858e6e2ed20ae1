"""How well `news_views.beacons.bots` tells programs from people, on lists that other projects made and keep.

The lists are fetched from their registries (npm, uv) into ``.cache/bots`` and are no part of this repository; our rules
were not copied from them. Each list is cut in two by the hash of its lines: what the rules miss in one half may be
looked at when they are improved, the other half is only counted, so it shows what a list does that nobody looked at.

Run: ``uv run python -m tests.bench.bench_bots [--docs] [--show N]`` (--docs: writes the table into docs/bots.md).
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from timeit import repeat

from rich.console import Console
from rich.table import Table

from news_views.beacons.bots import is_bot, names_program
from tests.views.readers import BROWSER

_CACHE = Path(".cache/bots")
_DOCS = Path("docs/bots.md")
_MATOMO, _CRAWLERS = "device-detector==6.5.1", "crawler-user-agents@1.60.0"
_PHONES = r"fixtures/upstream/(smartphone|phablet|tablet)[\w-]*\.yml$"
_FIXTURE_LINE = re.compile(r"^\s*(?:- )?user_agent: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A list: the package that has it, its files there, and whom it lists."""

    name: str
    package: str
    files: str
    are_bots: bool


SOURCES = (
    Source("Matomo Device Detector: bots", _MATOMO, r"fixtures/upstream/bots\.yml$", are_bots=True),
    Source("crawler-user-agents: its own examples", _CRAWLERS, r"crawler-user-agents\.json$", are_bots=True),
    Source("user-agents (measured traffic)", "user-agents@2.1.198", r"dist/user-agents\.json$", are_bots=False),
    Source("top-user-agents", "top-user-agents@2.1.138", r"src/index\.json$", are_bots=False),
    Source("Matomo: phones and tablets", _MATOMO, _PHONES, are_bots=False),
    Source("Matomo: televisions and consoles", _MATOMO, r"fixtures/upstream/(tv[\w-]*|console)\.yml$", are_bots=False),
    Source("Matomo: desktops", _MATOMO, r"fixtures/upstream/desktop[\w-]*\.yml$", are_bots=False),
    Source("Matomo: simple phones", _MATOMO, r"fixtures/upstream/feature_phone\.yml$", are_bots=False),
)


@dataclass(frozen=True)
class Score:
    """How one half of a list was judged."""

    total: int
    wrong: Sequence[str]

    @property
    def wrong_percent(self) -> float:
        return 100 * len(self.wrong) / self.total


def archive_of(package: str) -> Path:
    """The package's archive, fetched when it is not here yet."""
    folder = _CACHE / package.replace("==", "-").replace("@", "-")
    if not (found := list(folder.glob("*.t*gz")) + list(folder.glob("*.tar.gz"))):
        folder.mkdir(parents=True, exist_ok=True)
        tool = which("uv") or ".tools/uv/bin/uv"
        from_pypi = [tool, "tool", "run", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", "."]
        from_npm = ["npm", "pack", "--silent"]
        command = [*(from_pypi if "==" in package else from_npm), package]
        command[0] = str(Path(command[0]).absolute()) if Path(command[0]).exists() else command[0]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found = [*folder.glob("*.t*gz")]
    return found[0]


def user_agents(source: Source) -> list[str]:
    """Every distinct user agent of a list."""
    with tarfile.open(archive_of(source.package)) as archive:
        names = [name for name in archive.getnames() if re.search(source.files, name)]
        texts = [file.read().decode() for name in names if (file := archive.extractfile(name)) is not None]
    return list(dict.fromkeys(agent for text in texts for agent in _agents(text)))


def _agents(text: str) -> Iterator[str]:
    if not text.lstrip().startswith(("[", "{")):
        for line in _FIXTURE_LINE.findall(text):
            agent = line.strip()
            quoted = len(agent) > 1 and agent[0] == agent[-1] and agent[0] in "'\""
            yield agent[1:-1] if quoted else agent
        return
    for entry in json.loads(text):
        if isinstance(entry, str):
            yield entry
        elif "instances" in entry:
            yield from entry["instances"]
        else:
            yield entry["userAgent"]


def judged(source: Source) -> tuple[Score, Score]:
    """The half that may be looked at, and the half that is only counted."""
    halves: tuple[list[str], list[str]] = ([], [])
    for agent in user_agents(source):
        halves[hashlib.sha256(agent.encode()).digest()[0] & 1].append(agent)
    counted, seen = (Score(len(half), [a for a in half if names_program(a) != source.are_bots]) for half in halves)
    return seen, counted


def microseconds(known: bool) -> float:
    """What one question costs: of an agent that was seen before, or of a new one."""
    ask = is_bot if known else names_program
    return min(repeat(lambda: ask(BROWSER), number=200, repeat=20)) / 200 * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", action="store_true", help="write the table into docs/bots.md")
    parser.add_argument("--show", type=int, default=0, help="so many mistakes of each list's first half")
    chosen = parser.parse_args()
    table = Table("list", "of", "agents", "wrong", "wrong, half never looked at", title="Bots")
    rows = []
    for source in SOURCES:
        seen, counted = judged(source)
        total = seen.total + counted.total
        wrong = 100 * (len(seen.wrong) + len(counted.wrong)) / total
        row = (
            source.name,
            "bots" if source.are_bots else "people",
            f"{total:,}",
            f"{wrong:.2f} %",
            f"{counted.wrong_percent:.2f} %",
        )
        rows.append(row)
        table.add_row(*row)
        for agent in seen.wrong[: chosen.show]:
            print(f"  {source.name}: {agent[:200]}")
    Console().print(table)
    costs = f"A known agent costs {microseconds(True):.2f} µs, a new one {microseconds(False):.0f} µs."
    print(costs)
    if chosen.docs:
        begin, end = "<!-- measured -->\n", "<!-- /measured -->"
        lines = ["| List | Of | Agents | Wrong | Wrong, half never looked at |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        dated = f"{datetime.now(UTC).date()}, Python {version}. {costs}"
        before, _, rest = _DOCS.read_text().partition(begin)
        _DOCS.write_text(f"{before}{begin}{dated}\n\n" + "\n".join(lines) + f"\n{end}{rest.partition(end)[2]}")


if __name__ == "__main__":
    main()
