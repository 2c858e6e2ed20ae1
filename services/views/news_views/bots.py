"""Which user agents are programs, by their own word."""

from functools import lru_cache

import crawleruseragents

_TOLD_BY = 512
"""Characters of the user agent that are looked at: crawlers name themselves early, and a match costs time by length."""


@lru_cache(8192)
def is_bot(user_agent: str) -> bool:
    """Whether a user agent names a crawler, a library or a tool; also when it names nothing.

    0.2 ms the first time (1,500 patterns), then from memory.
    """
    return not user_agent.strip() or crawleruseragents.is_crawler(user_agent[:_TOLD_BY])
