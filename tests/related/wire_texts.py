"""Wire texts as other houses print them: whole, cut, or with changes."""

import random

_WORDS = [f"w{n}" for n in range(4_000)]


def a_wire_text(seed: int, *, words: int = 150) -> str:
    """A text that shares nothing with that of another seed."""
    chance = random.Random(seed)
    return " ".join(chance.choice(_WORDS) for _ in range(words))


def edited(text: str, *, keeps: float = 1.0, every: int = 0, seed: int = 0) -> str:
    """The beginning of a text, with one word in so many replaced."""
    words = text.split()
    words = words[: round(len(words) * keeps)]
    for place in range(seed % (every or 1), len(words) if every else 0, every or 1):
        words[place] = f"other{place}"
    return " ".join(words)
