"""GoatCounter as the neighbour of a measurement: built from its Go module, run on this machine, its limits lifted."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.testbed.ports import reserved_port
from tests.testbed.waiting import until

MODULE, VERSION = "zgo.at/goatcounter/v2", "v2.7.0"
HOST = "stats.localhost"
_CACHE = Path(".cache/goatcounter")
_UNLIMITED = "count:1000000000/1"


class NotBuiltError(Exception):
    """GoatCounter could not be built here."""


def program() -> Path:
    """GoatCounter's program, built when it is not here yet (3 minutes; its own go.sum says what belongs in it).

    Raises:
        NotBuiltError: there is no Go or C compiler, or the module proxy does not answer.
    """
    built = (_CACHE / f"goatcounter-{VERSION}").absolute()
    if built.exists():
        return built
    if not shutil.which("go"):
        raise NotBuiltError("there is no `go` on this machine")
    _CACHE.mkdir(parents=True, exist_ok=True)
    try:
        said = subprocess.run(
            ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"], check=True, capture_output=True, text=True
        )
        source = _CACHE / "source"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(json.loads(said.stdout)["Dir"], source, copy_function=shutil.copyfile)
        subprocess.run(["chmod", "-R", "u+w", str(source)], check=True)
        subprocess.run(
            ["go", "build", "-o", str(built), "./cmd/goatcounter"], cwd=source, check=True, capture_output=True
        )
    except subprocess.CalledProcessError as error:
        said_last = (error.stderr or error.stdout or b"")[-500:]
        raise NotBuiltError(f"{' '.join(error.cmd)}: {said_last!r}") from error
    return built


@dataclass(frozen=True)
class GoatCounter:
    """A running one."""

    url: str
    pid: int
    database: Path

    async def ready(self) -> None:
        """Wait until it answers."""
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:

            async def answers() -> bool:
                try:
                    return (await client.get(f"{self.url}/status", headers={"Host": HOST})).status_code < 500
                except httpx.TransportError:
                    return False

            await until(answers, "GoatCounter to answer", seconds=30)

    def stored(self) -> int:
        """Views in its database."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("select coalesce(sum(total), 0) from hit_counts").fetchone()[0])


@contextmanager
def running_goatcounter(folder: Path) -> Iterator[GoatCounter]:
    """GoatCounter with SQLite in a folder; it stores every second (its default is every ten)."""
    built, database, port = str(program()), folder / "goatcounter.sqlite3", reserved_port()
    connect = ["-db", f"sqlite+{database}"]
    site = ["-vhost", HOST, "-user.email", "bench@example.com", "-user.password", "not-a-secret"]
    subprocess.run([built, "db", "create", "site", "-createdb", *connect, *site], check=True, capture_output=True)
    listen = ["-listen", f"127.0.0.1:{port}", "-tls", "http", "-automigrate"]
    with (folder / "goatcounter.log").open("wb") as log:
        process = subprocess.Popen(
            [built, "serve", *connect, *listen, "-ratelimit", _UNLIMITED, "-store-every", "1"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield GoatCounter(f"http://127.0.0.1:{port}", process.pid, database)
    finally:
        process.kill()
        process.wait()
