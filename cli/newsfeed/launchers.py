"""Whether the programs that started us, uv and make, are still there."""

import psutil

_LAUNCHERS = {"uv", "make", "gmake"}


class Launchers:
    """uv and make when we run below them.

    They wait for us and pass signals on, but nothing passes on a SIGKILL: who kills them means us. A shell or a
    terminal is another matter; programs are meant to outlive those when started so.
    """

    def __init__(self) -> None:
        self._processes: list[psutil.Process] = []
        try:
            for parent in psutil.Process().parents():
                if parent.name() not in _LAUNCHERS:
                    break
                self._processes.append(parent)
        except psutil.Error:
            return

    def are_gone(self) -> bool:
        """Whether one of them has ended."""
        return not all(process.is_running() for process in self._processes)
