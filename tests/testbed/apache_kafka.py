"""Apache Kafka 4.1 as a child process, from the jars on Maven Central; needs Java and Maven."""

import asyncio
import base64
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient

from newsfeed.embedded import free_port
from newsfeed.tether import tethered

VERSION = "4.1.0"
_JARS = Path(__file__).parents[2] / ".cache" / f"kafka-{VERSION}"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>org.newsfeed</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{VERSION}</version></dependency></dependencies></project>"""


class ApacheKafka:
    """One broker that is its own controller; its log survives `kill` and `start`."""

    def __init__(self, folder: Path) -> None:
        self.port, self._controller = free_port(), free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "kafka.log"
        (folder / "server.properties").write_text(self._properties())
        self._java("kafka.tools.StorageTool", "format", "--standalone", "-t", _cluster_id())

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        command, before = tethered(
            [
                "java",
                "-Xmx512m",
                "-Xms256m",
                "-cp",
                f"{_JARS}/*",
                "kafka.Kafka",
                str(self._folder / "server.properties"),
            ]
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=before, start_new_session=True)
        deadline = monotonic() + 60
        while not asyncio.run(self._answers()):
            if monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"Kafka did not start: {self.log.read_text()[-3000:]}")
            sleep(0.2)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def delete_topics(self) -> None:
        asyncio.run(self._delete_topics())

    async def _delete_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            ours = [name for name in await admin.list_topics() if name.startswith("news.")]
            if ours:
                await admin.delete_topics(ours)
            while any(name.startswith("news.") for name in await admin.list_topics()):
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

    def _java(self, *arguments: str) -> None:
        command = ["java", "-cp", f"{_JARS}/*", *arguments, "-c", str(self._folder / "server.properties")]
        subprocess.run(command, check=True, capture_output=True)

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


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")


def fetch_jars() -> None:
    """Get the jars once."""
    if (_JARS / "complete").exists():
        return
    if not shutil.which("java") or not shutil.which("mvn"):
        raise RuntimeError("Tests on Apache Kafka need java and mvn: apt-get install openjdk-17-jre-headless maven")
    _JARS.mkdir(parents=True, exist_ok=True)
    (_JARS / "pom.xml").write_text(_POM)
    subprocess.run(
        ["mvn", "-q", "-f", str(_JARS / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={_JARS}"],
        check=True,
    )
    (_JARS / "complete").touch()


@contextmanager
def apache_kafka() -> Iterator[ApacheKafka]:
    fetch_jars()
    with tempfile.TemporaryDirectory(prefix="newsfeed-kafka-", ignore_cleanup_errors=True) as folder:
        kafka = ApacheKafka(Path(folder))
        try:
            kafka.start()
            yield kafka
        finally:
            kafka.thaw()
            kafka.kill()
