"""Children that never outlive us, not even when we are killed with SIGKILL."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

_PR_SET_PDEATHSIG = 1


def tethered(command: Sequence[str]) -> tuple[list[str], Callable[[], None] | None]:
    """The command to start instead, and what to call in the child before it: Linux has a signal for this, others watch.

    Start it from the main thread: the signal comes when the thread that forked ends.
    """
    assert threading.current_thread() is threading.main_thread()
    if sys.platform == "linux":
        return list(command), _die_with_parent
    return [sys.executable, "-m", "newsfeed.tether", *command], None


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:  # the parent died before the call
        os._exit(1)


def _watch(command: Sequence[str]) -> int:
    """Run the command; kill it when our parent is gone."""
    parent = os.getppid()
    child = subprocess.Popen(command)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _frame: child.send_signal(number))
    while True:
        try:
            return child.wait(0.5)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()


if __name__ == "__main__":
    sys.exit(_watch(sys.argv[1:]))
