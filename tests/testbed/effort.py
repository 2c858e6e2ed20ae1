"""How much a test does that can do as much as one likes: a quarter every day, all of it with NEWS_TEST_THOROUGH=1."""

import os

IS_THOROUGH = os.environ.get("NEWS_TEST_THOROUGH", "") not in ("", "0")


def often(times: int) -> int:
    """How often, of so many times in a thorough run."""
    return times if IS_THOROUGH else -(-times // 4)
