"""The gold sets: articles with the stories they belong to, and the scorers that come with them.

They lie outside the repository (``../shared/gold`` unless told otherwise): a folder per set with ``articles.jsonl``
and ``gold.jsonl``, and ``as_native.py``, ``score_related.py`` and ``score_clusters.py`` beside them.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SETS = ("ecbplus", "ntrex", "wiki_current_events")

Half = Literal["dev", "test"]


@dataclass(frozen=True)
class GoldArticle:
    """One article: its id in the set, its language and its story; articles of one story belong together."""

    id: str
    language: str
    story: str | None

    @property
    def half(self) -> Half | None:
        """Constants are tuned on the stories of ``dev`` and reported on those of ``test``, as the scorers part them."""
        if self.story is None:
            return None
        return "dev" if int(self.story[-1], 16) % 2 else "test"


class GoldSet:
    """A set, or its first articles, laid out for the scorers in a folder of its own."""

    def __init__(self, gold: Path, name: str, folder: Path, *, limit: int | None = None) -> None:
        """Read it.

        Args:
            gold: where the sets lie.
            folder: where what is made from it may be written.
            limit: only the first so many articles.

        Raises:
            FileNotFoundError: there is no such set.
        """
        self.name = name
        self.folder = folder / name
        self._gold = gold
        self._limit = limit
        articles = _rows(gold / name / "articles.jsonl")[:limit]
        taken = {article["id"] for article in articles}
        labels = [row for row in _rows(gold / name / "gold.jsonl") if row["id"] in taken]
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / "articles.jsonl", articles)
        _write(self.folder / "gold.jsonl", labels)
        story = {row["id"]: row.get("cluster") for row in labels}
        self.articles = [GoldArticle(row["id"], row["lang"], story.get(row["id"])) for row in articles]

    def as_native(self) -> Path:
        """A file of the articles in the service's own format, without what would give the answer away."""
        command = [sys.executable, str(self._gold / "as_native.py"), self.name, "--no-tags"]
        if self._limit is not None:
            command += ["--limit", str(self._limit)]
        path = self.folder / "native.ndjson"
        with path.open("wb") as file:
            subprocess.run(command, stdout=file, check=True)
        return path

    def score_rankings(self, rankings: Mapping[str, Sequence[str]], *options: str) -> dict[str, dict[str, Any]]:
        """What ``score_related.py`` says of lists of ids, best first, by id; ``all`` and by languages."""
        path = self.folder / "related.jsonl"
        _write(path, ({"id": key, "related": list(ids)} for key, ids in rankings.items()))
        return dict(self._scored("score_related.py", path, "--json", *options))

    def score_clusters(self, cluster: Mapping[str, str], *options: str) -> dict[str, Any]:
        """What ``score_clusters.py`` says of a cluster's name by id."""
        path = self.folder / "clusters.jsonl"
        _write(path, ({"id": key, "cluster": name} for key, name in cluster.items()))
        return dict(self._scored("score_clusters.py", path, *options))

    def _scored(self, script: str, path: Path, *options: str) -> Any:
        command = [sys.executable, str(self._gold / script), str(self.folder), str(path), *options]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
