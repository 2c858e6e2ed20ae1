"""Apache Kafka 4.1 as a child process, from the jars on Maven Central; needs Java and Maven."""

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient

from newsfeed import tether
from tests.testbed.blocking import blocking
from tests.testbed.ports import reserved_port

VERSION = "4.1.0"
_JARS = Path(__file__).parents[2] / ".cache" / f"kafka-{VERSION}"
_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # a JVM that lives for minutes: no costly compiler, one core
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>org.newsfeed</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{VERSION}</version></dependency></dependencies></project>"""


class ApacheKafka:
    """One broker that is its own controller; its log survives `kill` and `start`."""

    def __init__(self, folder: Path) -> None:
        self.port, self._controller = reserved_port(), reserved_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "kafka.log"
        (folder / "server.properties").write_text(self._properties())
        self._run(
            "kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={_cluster_id()}"
        )  # it may begin with a hyphen

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def started(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        properties = str(self._folder / "server.properties")
        command = [_java(), "-Xmx512m", "-Xms256m", *_QUICK, "-cp", f"{_JARS}/*", "kafka.Kafka", properties]
        with self.log.open("ab") as log:
            self._process = tether.start(command, output=log)
        deadline = monotonic() + 60
        while not blocking(self._answers()):
            if monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"Kafka did not start: {self.log.read_text()[-3000:]}")
            sleep(0.2)

    def kill(self) -> None:
        tether.kill(self._running)

    def stop(self) -> None:
        """SIGTERM: it hands over what it led and closes its log."""
        self._running.terminate()
        self._running.wait(60)
        tether.release(self._running.pid)

    def freeze(self) -> None:
        tether.freeze(self._running)

    def thaw(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def revive(self) -> None:
        """Start it when it was killed, wake it when it was frozen."""
        if self._running.poll() is None:
            self.thaw()
        else:
            self.start()

    def bytes_of(self, topic: str) -> int:
        """What a topic's records take on disk, without indexes, which are allocated ahead."""
        files = (self._folder / "data").glob(f"{topic}-*/*.log")
        # A deleted topic's folders stay for a minute under another name.
        return sum(file.stat().st_size for file in files if not file.parent.name.endswith("-delete"))

    def delete_topics(self) -> None:
        blocking(self._delete_topics())

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError("Kafka was not started.")
        return self._process

    async def _delete_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            # Again: what a killed process asked for a moment ago may come to be after the first look.
            while ours := [name for name in await admin.list_topics() if name.startswith("news.")]:
                await admin.delete_topics(ours)
                await asyncio.sleep(0.05)
        finally:
            await admin.close()

    async def _answers(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=2000)
        try:
            await admin.start()
            await admin.list_topics()
        except Exception:  # noqa: BLE001  # whatever it says while it starts
            return False
        finally:
            await admin.close()
        return True

    def _run(self, *arguments: str) -> None:
        command = [_java(), *_QUICK, "-cp", f"{_JARS}/*", *arguments, "-c", str(self._folder / "server.properties")]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _properties(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self._controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",
            "broker.session.timeout.ms": "3000",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin", "java")) if home else "java"


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")


def fetch_jars() -> None:
    """Get the jars once; the folder appears when it is complete."""
    if _JARS.exists():
        return
    if not shutil.which(_java()) or not shutil.which("mvn"):
        raise RuntimeError("Tests on Apache Kafka need java and mvn: apt-get install openjdk-17-jre-headless maven")
    _JARS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_JARS.parent) as folder:
        pom = Path(folder) / "pom.xml"
        pom.write_text(_POM)
        jars = Path(folder) / "jars"
        subprocess.run(
            ["mvn", "-q", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={jars}"], check=True
        )
        with suppress(OSError):  # another run was quicker and its folder is not empty
            jars.rename(_JARS)


@contextmanager
def apache_kafka() -> Iterator[ApacheKafka]:
    fetch_jars()
    with tempfile.TemporaryDirectory(prefix="newsfeed-kafka-", ignore_cleanup_errors=True) as folder:
        kafka = ApacheKafka(Path(folder))
        try:
            kafka.start()
            yield kafka
        finally:
            if kafka.started:
                kafka.kill()
