"""What a single node for tests and development is configured with."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from broker.ports import HOST

SINGLE_NODE: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After kill -9 a node waits until its former self counts as gone.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}
"""One node that is its own controller, quick to start; ``docker-compose.yml`` says the same."""


class Ports(NamedTuple):
    """The local ports of a broker.

    Attributes:
        plain: for clients without TLS.
        controller: for the node itself.
        secure: for clients with TLS and SCRAM; None where there is no such listener.
    """

    plain: int
    controller: int
    secure: int | None


class KeyStore(NamedTuple):
    """The broker's key and certificate (PKCS 12)."""

    path: Path
    password: str


def server_properties(data: Path, ports: Ports, keys: KeyStore | None) -> str:
    """Return the text of ``server.properties``.

    Args:
        data: the folder for records.
        ports: where to listen.
        keys: for the secure port; needed where there is one.
    """
    listeners = [f"PLAINTEXT://{HOST}:{ports.plain}"]
    secure: dict[str, str] = {}
    if ports.secure is not None:
        assert keys is not None, "TLS needs a key"
        listeners.append(f"SASL_SSL://{HOST}:{ports.secure}")
        secure = _scram_over_tls(keys)
    lines = {
        **SINGLE_NODE,
        "listeners": ",".join([*listeners, f"CONTROLLER://{HOST}:{ports.controller}"]),
        "advertised.listeners": ",".join(listeners),
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"
        ),
        "controller.quorum.voters": f"1@{HOST}:{ports.controller}",
        "log.dirs": str(data),
        **secure,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _scram_over_tls(keys: KeyStore) -> dict[str, str]:
    """Return what the secure listener needs."""
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(keys.path),
        "ssl.keystore.password": keys.password,
    }
