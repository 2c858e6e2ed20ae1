"""A Redis Cluster of six Valkey servers, and a fail-over that loses the last writes."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from newsfeed import tether
from newsfeed.embedded import valkey_server
from tests.testbed.ports import reserved_port

_SLOTS = 16384


class RedisCluster:
    """Three masters with a replica each; ports are fixed for its life, data is in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = [reserved_port() for _ in range(6)]
        # fixed as well: when all nodes come back at once, nobody is left who could tell them of new ones
        self._bus_ports = {port: reserved_port() for port in self.ports}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        """Start what is not running; makes the cluster the first time, afterwards waits until it is whole."""
        first = not (self._folder / str(self.ports[0])).exists()
        for port in self.ports:
            if port not in self._processes:
                self._start_node(port)
        if first:
            self._form()
        self._until(self._is_whole, "the cluster to be whole")

    def kill(self) -> None:
        """SIGKILL all nodes."""
        for port in list(self._processes):
            self.kill_node(port)

    def kill_node(self, port: int) -> None:
        tether.kill(self._processes.pop(port))

    def flush(self) -> None:
        for port in self._masters():
            self.node(port).flushall()

    def node(self, port: int) -> Any:  # redis-py types its answers as «awaitable or not»
        return Redis(host="127.0.0.1", port=port, socket_timeout=5)

    def master_of(self, key: str) -> int:
        """The port of the master that owns a key now."""
        slot = int(self.node(next(iter(self._processes))).execute_command("CLUSTER KEYSLOT", key))
        for low, high, master, *_ in self.node(next(iter(self._processes))).execute_command("CLUSTER SLOTS"):
            if low <= slot <= high:
                return int(master[1])
        raise LookupError(key)

    def replica_of(self, master: int) -> int:
        my_id = self.node(master).execute_command("CLUSTER MYID").decode()
        for address, node in self.node(master).execute_command("CLUSTER NODES").items():
            if node["master_id"] == my_id and node["connected"]:
                return int(address.rsplit(":", 1)[1])
        raise LookupError(f"{master} has no replica")

    def cut_off(self, master: int) -> int:
        """Stop a master from feeding its replica; what it acknowledges from now on only it has. Returns the replica."""
        replica = self.replica_of(master)
        # Credentials that the master does not know: the link breaks and cannot come back.
        self.node(replica).execute_command("CONFIG", "SET", "primaryauth", "no-such-password")
        self.node(replica).execute_command("CONFIG", "SET", "primaryuser", "nobody")
        self.node(master).execute_command("CLIENT", "KILL", "TYPE", "replica")
        self._until(lambda: self._info(master, "connected_slaves") == "0", "the replica to be cut off")
        return replica

    def fail_over(self, master: int, replica: int) -> None:
        """Kill the master and let the replica take over with what it had; the old master comes back empty-handed."""
        self.kill_node(master)
        self.node(replica).execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        self._until(lambda: self._info(replica, "role") == "master", "the replica to take over")
        self.node(replica).execute_command("CONFIG", "SET", "primaryauth", "")
        self.node(replica).execute_command("CONFIG", "SET", "primaryuser", "")
        self._start_node(master)
        self._until(self._is_whole, "the cluster to be whole again")

    def _masters(self) -> list[int]:
        return [port for port in self._processes if self._info(port, "role") == "master"]

    def _info(self, port: int, name: str) -> str:
        return str(self.node(port).info("replication").get(name))

    def _start_node(self, port: int) -> None:
        folder = self._folder / str(port)
        folder.mkdir(exist_ok=True)
        # What a replica got from its master once, perhaps in another test; a node that reads it is not empty.
        (folder / "dump.rdb").unlink(missing_ok=True)
        command = [
            *(str(valkey_server()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"),
            *(
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "2000",
                "--cluster-port",
                str(self._bus_ports[port]),
            ),
            *("--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"),
        ]
        with (folder / "log").open("ab") as log:
            self._processes[port] = tether.start(command, output=log)
        self._until(lambda: bool(self.node(port).ping()), f"Redis on {port}")

    def _form(self) -> None:
        masters, replicas = self.ports[:3], self.ports[3:]
        for index, port in enumerate(masters):
            low, high = index * _SLOTS // 3, (index + 1) * _SLOTS // 3 - 1
            self.node(port).execute_command("CLUSTER", "ADDSLOTSRANGE", low, high)
            self.node(port).execute_command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        for port in self.ports[1:]:
            self.node(self.ports[0]).execute_command("CLUSTER", "MEET", "127.0.0.1", port, self._bus_ports[port])
        self._until(lambda: all(self._known(port) == 6 for port in self.ports), "the nodes to meet")
        for master, replica in zip(masters, replicas, strict=True):
            my_id = self.node(master).execute_command("CLUSTER MYID").decode()
            self.node(replica).execute_command("CLUSTER", "REPLICATE", my_id)

    def _known(self, port: int) -> int:
        return len(self.node(port).execute_command("CLUSTER NODES"))

    def _is_whole(self) -> bool:
        for port in self._processes:
            state = self.node(port).execute_command("CLUSTER INFO")
            if state["cluster_state"] != "ok" or int(state["cluster_slots_ok"]) != _SLOTS:
                return False
            if self._info(port, "role") == "slave" and self._info(port, "master_link_status") != "up":
                return False
        return sum(self._info(port, "role") == "master" for port in self._processes) == 3

    def _until(self, condition: Any, what: str, seconds: float = 30) -> None:
        deadline = monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except (RedisError, OSError):
                pass
            if monotonic() > deadline:
                raise TimeoutError(f"waited {seconds} s for {what}")
            sleep(0.05)


@contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    with tempfile.TemporaryDirectory(prefix="newsfeed-redis-", ignore_cleanup_errors=True) as folder:
        cluster = RedisCluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.kill()
