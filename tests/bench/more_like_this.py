"""tantivy's more-like-this over synthetic articles: the peer that finds related articles by their words."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import perf_counter, process_time

import tantivy

from tests.bench.million_articles import Newsroom

_HEAP_BYTES = 128 << 20
_WARMING_UP = 20


class MoreLikeThis:
    """An index of headlines and texts on disk, made by one thread.

    Attributes:
        cpu_seconds: that indexing took, the making of the texts included.
    """

    def __init__(self, newsroom: Newsroom, numbers: range, folder: Path) -> None:
        schema = (
            tantivy.SchemaBuilder()
            .add_text_field("title", stored=True)
            .add_text_field("body", stored=True)
            .add_integer_field("number", stored=True, indexed=True)
            .build()
        )
        begun = process_time()
        self._schema = schema
        self._index = tantivy.Index(schema, path=str(folder))
        writer = self._index.writer(_HEAP_BYTES, 1)
        for n in numbers:
            writer.add_document(tantivy.Document(title=newsroom.title(n), body=newsroom.body(n), number=n))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self.cpu_seconds = process_time() - begun
        self.megabytes = sum(file.stat().st_size for file in folder.iterdir()) >> 20

    def asked(self, numbers: Sequence[int], limit: int = 10) -> tuple[list[float], float]:
        """Milliseconds of each question, and the CPU milliseconds of one."""
        searcher = self._index.searcher()
        found = [searcher.search(tantivy.Query.term_query(self._schema, "number", n), 1).hits[0][1] for n in numbers]
        Random(1).shuffle(found)
        taken = []
        for turn, address in enumerate([*found[:_WARMING_UP], *found]):
            if turn == _WARMING_UP:
                cpu = process_time()
            begun = perf_counter()
            query = tantivy.Query.more_like_this_query(address)
            for _, hit in searcher.search(query, limit + 1).hits:
                searcher.doc(hit)
            taken.append(1000 * (perf_counter() - begun))
        return taken[_WARMING_UP:], 1000 * (process_time() - cpu) / len(found)
