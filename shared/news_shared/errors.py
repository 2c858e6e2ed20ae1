"""The kinds of failure that a caller must tell apart; each is caught in one place (docs/architecture.md)."""


class NewsError(Exception):
    """Base of every error that this project raises on purpose."""


class PoisonError(NewsError):
    """This record or input can never succeed: it is parked or refused with its reason, never retried."""


class TransientError(NewsError):
    """Kafka, Redis or a peer is away, or the outcome is unknown: try again later."""


class OverloadError(TransientError):
    """A bound is reached: come back after a moment."""


class RebuildingError(TransientError):
    """The projection that would answer is being restored; any number would be wrong."""


class FencedError(NewsError):
    """Another process owns this partition now: stop writing to it."""


class LogMismatchError(NewsError):
    """Stored state and log do not belong together (topic recreated, tail lost, retention passed): a person must act."""
