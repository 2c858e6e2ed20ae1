"""Why a fetch gave nothing."""

from typing import Literal

FetchProblem = Literal[
    "refused-address",
    "refused-url",
    "unresolved",
    "unreachable",
    "timeout",
    "too-large",
    "too-many-redirects",
    "bad-encoding",
    "bad-answer",
]


class FetchError(Exception):
    """A fetch that failed; ``problem`` for machines, the message for people."""

    def __init__(self, problem: FetchProblem, message: str) -> None:
        super().__init__(message)
        self.problem: FetchProblem = problem
