"""An Apache Kafka of our own for tests and benchmarks: one node, on loopback, without Docker.

Its jars come from Maven Central, are compared with ``deploy/kafka/SHA256SUMS``, and are kept in the user's cache, so
that only the first run on a machine obtains them. ``python -m tests.broker`` (``make kafka``) does just that.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from platformdirs import user_cache_path

SOURCE = Path(__file__).parent.parent / "deploy" / "kafka"
NEEDED = "Kafka for tests needs Java 17 or newer and Maven (Debian: apt-get install openjdk-17-jre-headless maven)"
STARTED, START_MAX_S = "Kafka Server started", 60.0
# One small JVM that starts in two seconds; it says that it has started, and else only what is wrong.
JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
SAYS_STARTED = "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=500
"""
USER, PASSWORD = "vertikal", "secret-of-tests"
SECURED = f"""
listener.name.sasl_plaintext.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=\\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
ssl.keystore.type=PEM
ssl.keystore.location={{keystore}}
"""


class NotObtained(Exception):
    """There is no Kafka to start; the text says what to do."""


def obtain() -> Path:
    """The folder of Kafka's jars, brought from Maven Central when it is not cached. Raises ``NotObtained``."""
    folder = user_cache_path("vertikal") / f"kafka-{version()}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of one test run come here at the same time
        if not folder.exists():
            _download(folder)
    return folder


def version() -> str:
    """The pinned version of Kafka."""
    found = re.search(r"<kafka.version>([^<]+)<", (SOURCE / "pom.xml").read_text())
    assert found is not None
    return found[1]


def wrong(folder: Path) -> list[str]:
    """The names of files that a folder lacks, or holds with other bytes, or holds besides the pinned ones."""
    pinned = {tuple(line.split(maxsplit=1)) for line in (SOURCE / "SHA256SUMS").read_text().splitlines()}
    found = {(hashlib.sha256(file.read_bytes()).hexdigest(), file.name) for file in folder.iterdir()}
    return sorted({name for _, name in pinned ^ found})


def _download(folder: Path) -> None:
    if shutil.which("java") is None or shutil.which("mvn") is None:
        raise NotObtained(NEEDED)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        shutil.copy(SOURCE / "pom.xml", scratch)  # Maven writes beside the file that it is given
        jars = Path(scratch) / "jars"
        command = ["mvn", "-B", "-q", "-C", "-f", f"{scratch}/pom.xml", "dependency:copy-dependencies",
                   "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise NotObtained(f"Maven could not bring Kafka {version()}:\n{ended.stdout[-2_000:]}")
        if unlike := wrong(jars):
            raise NotObtained(f"these files are not the pinned ones: {', '.join(unlike)}")
        jars.rename(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Broker:
    """A running Kafka, which can be stopped, killed, started again on its data, or robbed of them."""

    folder: Path
    jars: Path
    port: int = field(default_factory=_free_port)
    controller: int = field(default_factory=_free_port)
    secured: dict[str, int] = field(default_factory=dict)  # the ports that speak other protocols than PLAINTEXT
    process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        """The certificate that vouches for the secured ports."""
        return self.folder / "ca.pem"

    def format(self) -> None:
        """Begin with no data, under a new cluster id."""
        data, keystore = self.folder / "data", self.folder / "keystore.pem"
        shutil.rmtree(data, ignore_errors=True)
        ports = {"PLAINTEXT": self.port, **self.secured}
        listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
        settings = PROPERTIES.format(listeners=listeners, controller=self.controller, data=data)
        if self.secured:
            settings += SECURED.format(keystore=keystore)
            keystore.write_bytes(certified(self.ca))
        (self.folder / "server.properties").write_text(settings)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        given = ["format", f"--cluster-id={cluster}", "-c", str(self.folder / "server.properties")]
        given += ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"]
        made = subprocess.run([*self._java("kafka.tools.StorageTool"), *given], capture_output=True, check=False)
        assert made.returncode == 0, made.stderr.decode()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        log = self.folder / "log"
        with log.open("wb") as output:
            command = [*self._java("kafka.Kafka"), str(self.folder / "server.properties")]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + START_MAX_S
        while STARTED not in log.read_text(errors="replace"):
            assert self.process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it in order, or by another signal."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def _java(self, main: str) -> list[str]:
        return ["java", *JVM, SAYS_STARTED, "-cp", f"{self.jars}/*", main]


def certified(ca: Path) -> bytes:
    """A key and a certificate of 127.0.0.1, in PEM; ``ca`` gets the certificate of the authority that signed it."""
    now, keys = datetime.now(UTC), [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "127.0.0.1")]
    authority = x509.BasicConstraints(ca=True, path_length=0)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificates = [
        x509.CertificateBuilder(names[0], name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=number == 0)
        .sign(keys[0], SHA256())
        .public_bytes(Encoding.PEM)
        for number, (name, key, extension) in enumerate(zip(names, keys, (authority, address), strict=True))
    ]
    ca.write_bytes(certificates[0])
    return keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificates[1]


@contextmanager
def kafka(*secured: str) -> Iterator[Broker]:
    """A fresh Kafka on loopback, stopped and removed at the end; ``secured``: what it speaks besides PLAINTEXT.

    Raises ``NotObtained``.
    """
    if shutil.which("java") is None:
        raise NotObtained(NEEDED)
    folder = Path(tempfile.mkdtemp(prefix="vertikal-kafka-"))
    broker = Broker(folder, obtain(), secured={protocol: _free_port() for protocol in secured})
    try:
        broker.format()
        broker.start()
        yield broker
    finally:
        broker.stop(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"Kafka {version()}: {obtain()}\n")
    except NotObtained as error:
        sys.exit(str(error))
