"""Children that never outlive us, not even when we are killed with SIGKILL.

A guard beside us holds the other end of a pipe. Each child names itself there before it becomes the program that was
asked for; when the pipe closes, because we ended in whatever way, the guard kills every child that is still named,
together with what the child started itself. This works alike on Linux and macOS and from any thread; Linux's
parent-death signal comes when the *thread* that forked ends, and reaches no grandchildren.

The guard and the first moment of a child run this file as a script, without the site-packages: 15 ms each.
"""

import atexit
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO


def start(
    command: Sequence[str], *, output: IO[bytes] | int, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a tethered child with a session of its own, that writes to a file or pipe and reads nothing.

    End it with `kill`, or call `release` when it has ended by itself and was waited for.
    """
    pipe = _guard.pipe()
    return subprocess.Popen(
        [*_this_file(), "announce", str(pipe), *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=(pipe,),
        start_new_session=True,
    )


def adopt(pid: int) -> None:
    """Tether a process with a session of its own that another one forked for us; call `release` when it has ended."""
    _guard.pipe()
    _guard.tell(b"+%d\n" % pid)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a child that `start` started, stopped or not, and wait until it is gone."""
    process.kill()
    process.wait()
    release(process.pid)


def freeze(process: subprocess.Popen[bytes]) -> None:
    """SIGSTOP a child and wait until all its threads have stopped."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def release(pid: int) -> None:
    """Forget a child that has ended: its number may soon belong to somebody else."""
    _guard.tell(b"-%d\n" % pid)


class _Guard:
    """The guard of this process, started with its first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def pipe(self) -> int:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [*_this_file(), "guard", str(os.getpid())], stdin=subprocess.PIPE, start_new_session=True, bufsize=0
                )
                atexit.register(self._end)
            assert self._process.stdin is not None
            return self._process.stdin.fileno()

    def tell(self, word: bytes) -> None:
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                try:
                    self._process.stdin.write(word)  # shorter than PIPE_BUF: words of several writers do not mix
                except OSError:
                    self._process.poll()  # somebody killed the guard; the next child gets a new one

    def _end(self) -> None:
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
                self._process.wait()
                self._process = None


_guard = _Guard()


def _this_file() -> list[str]:
    return [sys.executable, "-I", "-S", __file__]


def _announce(pipe: int, command: list[str]) -> None:
    """Name ourselves to the guard, then become the command."""
    try:
        os.write(pipe, b"+%d\n" % os.getpid())
    except BrokenPipeError:
        sys.exit("The process that started this one is gone already.")
    os.close(pipe)  # or our holding it would hide from the guard that the parent has ended
    for name in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(name, signal.SIG_DFL)  # Python ignores these, and its successor would inherit that
    try:
        os.execvp(command[0], command)  # noqa: S606  # a shell has no part in this
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


def _watch(parent: int) -> None:
    """Read who lives; when the parent is gone, kill who is left."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    living: set[int] = set()
    rest = b""
    while True:
        # A forked copy of the parent may hold the pipe open after its death, so its number is looked at as well.
        readable, _, _ = select.select([0], [], [], 0.5)
        if not readable:
            if os.getppid() != parent:
                break
            continue
        if not (chunk := os.read(0, 65536)):
            break
        *words, rest = (rest + chunk).split(b"\n")
        for word in words:
            (living.add if word.startswith(b"+") else living.discard)(int(word[1:]))
    for pid in living:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:  # macOS says so of a group of which only a zombie is left
            pass


if __name__ == "__main__":
    if sys.argv[1] == "guard":
        _watch(int(sys.argv[2]))
    else:
        _announce(int(sys.argv[2]), sys.argv[3:])
