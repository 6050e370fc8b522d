"""Free local ports, and whether a broker answers on one."""

import random
import socket
import struct
from contextlib import ExitStack

HOST = "127.0.0.1"

_PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections. A client that keeps trying while the
broker is down may otherwise be given the broker's own port, reach itself, and keep it out."""

_ANSWER_WITHIN_S = 5.0
_METADATA_REQUEST = struct.pack(">hhih i", 3, 1, 1, -1, 0)
"""API 3 (metadata) version 1, correlation id 1, no client id, no topics (Kafka protocol guide)."""


def free_ports(count: int) -> list[int]:
    """Find free local ports, all different; each is held until the last is found."""
    with ExitStack() as stack:
        ports: list[int] = []
        for port in random.sample(_PORTS, len(_PORTS)):
            listener = stack.enter_context(socket.socket())
            if _bind(listener, port):
                ports.append(port)
            if len(ports) == count:
                return ports
    raise OSError(f"no {count} free ports between {_PORTS.start} and {_PORTS.stop}")


def are_free(*ports: int) -> bool:
    """Tell whether nobody listens on any of the ports."""
    with ExitStack() as stack:
        return all(_bind(stack.enter_context(socket.socket()), port) for port in ports)


def _bind(listener: socket.socket, port: int) -> bool:
    """Take a port, also one whose last connections are still being forgotten, as Kafka does."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        return False
    return True


def answers(port: int) -> bool:
    """Tell whether a broker answers on a plain port and has joined its cluster."""
    try:
        with socket.create_connection((HOST, port), _ANSWER_WITHIN_S) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA_REQUEST)) + _METADATA_REQUEST)
            with connection.makefile("rb") as stream:
                (length,) = struct.unpack(">i", stream.read(4))
                _, brokers = struct.unpack_from(">ii", stream.read(length))
    except (OSError, struct.error):
        return False
    return bool(brokers > 0)
