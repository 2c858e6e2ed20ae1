"""Models for worker processes that do what a test needs; without the real one's weight."""

import os
import signal
from collections.abc import Sequence
from threading import Event

import numpy as np

from news_related.embedding.model import Embedding, Text


class Lengths:
    """Embeds a text as the length of its title; dies of one that is called ``fatal``, waits for ever at ``endless``."""

    def embed(self, texts: Sequence[Text]) -> list[Embedding]:
        for text in texts:
            if text.title == "fatal":
                os.kill(os.getpid(), signal.SIGKILL)
            if text.title == "endless":
                Event().wait()
        return [Embedding(np.array([len(text.title)], dtype=np.int8), 1.0) for text in texts]


class Doomed:
    """Dies of whatever it is given, as the kernel ends a process where memory is short."""

    def embed(self, texts: Sequence[Text]) -> list[Embedding]:
        os.kill(os.getpid(), signal.SIGKILL)
        return []


def missing() -> Lengths:
    """A model that is not there."""
    raise ImportError("no engine for this machine")


def too_large() -> Lengths:
    """A model that ends its process while it is loaded."""
    os._exit(9)
