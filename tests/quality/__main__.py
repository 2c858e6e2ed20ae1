"""How good the links are: the gold sets posted to the running service, and what it then says of them, scored.

Run: ``make quality`` or ``uv run python -m tests.quality [--set NAME]… [--limit N] [--gold DIR] [--json FILE]``
(NEWS_TEST_BACKEND as in tests). Embedding takes 0.05 to 0.2 CPU seconds an article.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.quality.gold import SETS, GoldSet
from tests.quality.measures import row
from tests.quality.served import answers
from tests.testbed.backends import backend_name, backends
from tests.testbed.role import running_roles

_FOLDER = Path(".cache/quality")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=Path("../shared/gold"), help="where the sets lie")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="only this one; repeatable")
    parser.add_argument("--limit", type=int, help="only the first so many articles of each")
    parser.add_argument("--json", type=Path, default=_FOLDER / "quality.json")
    chosen = parser.parse_args()
    if not chosen.gold.is_dir():
        sys.exit(f"{chosen.gold}: there are no gold sets; say where with --gold (make quality GOLD=…)")
    rows: list[dict[str, object]] = []
    with backends(backend_name()) as fresh:
        for name in chosen.sets or SETS:
            gold = GoldSet(chosen.gold, name, _FOLDER, limit=chosen.limit)
            with tempfile.TemporaryDirectory() as folder, running_roles(fresh(), Path(folder)) as roles:
                read = asyncio.run(answers(roles, gold))
            rows += [row(gold, read, half) for half in (None, "dev", "test")]
            chosen.json.parent.mkdir(parents=True, exist_ok=True)
            chosen.json.write_text(
                json.dumps({"backend": backend_name(), "limit": chosen.limit, "rows": rows}, indent=2)
            )
    _show(rows)


def _show(rows: list[dict[str, object]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table(
        "Set", "half", "articles", "nDCG@10", "one language", "across", "past", "translation first", "threads F1"
    )
    kinds = Table("Set", "half", "kind", "edges shown", "right", "of all that could be")
    for one in rows:
        names = ("ndcg10", "ndcg10_one_language", "ndcg10_across", "ndcg10_past", "translation_found")
        threads = one["threads"]
        assert isinstance(threads, dict)
        head = (str(one["set"]), str(one["half"]))
        table.add_row(*head, f"{one['articles']:,}", *(_figure(one[name]) for name in names), _figure(threads["b3_f1"]))
        for kind in ("translation", "same_story", "either"):
            found = one[kind]
            assert isinstance(found, dict)
            shown = f"{found['edges']:,}"
            kinds.add_row(*head, kind, shown, _figure(found["precision"]), _figure(found["recall"]))
    console.print(table)
    console.print(kinds)


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "–"


if __name__ == "__main__":
    main()
