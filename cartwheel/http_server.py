"""Serves metrics and health over HTTP, from threads beside the supervisor."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import BoundedSemaphore, Thread
from typing import Any, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from cartwheel.errors import CartwheelError
from cartwheel.health import Health

_AT_ONCE = 16
"""How many requests are answered at a time; further ones are turned away."""

_PATIENCE_S = 5.0


class _Answer(NamedTuple):
    status: HTTPStatus
    content_type: str
    body: bytes


class _Server(ThreadingHTTPServer):
    """Answers each request in a thread of its own."""

    daemon_threads = True

    def __init__(
        self,
        family: socket.AddressFamily,
        address: tuple[Any, ...],
        health: Callable[[], Health],
        registry: CollectorRegistry,
    ) -> None:
        self.address_family = family
        self.health = health
        self.registry = registry
        self._free = BoundedSemaphore(_AT_ONCE)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Listen, without asking for this host's name, which may take long."""
        TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, in the thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave a client that has gone alone."""


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: _Server
    timeout = _PATIENCE_S
    server_version = "cartwheel"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer without its body."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Say nothing: whoever asks does so every few seconds."""

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        find = {"/metrics": self._metrics, "/live": _live, "/ready": self._ready}.get(path, _other)
        answer = find()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def _metrics(self) -> _Answer:
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        return _Answer(HTTPStatus.OK, content_type, encode(self.server.registry))

    def _ready(self) -> _Answer:
        health = self.server.health()
        status = HTTPStatus.OK if health.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, health)


def _live() -> _Answer:
    return _json(HTTPStatus.OK, {"live": True})


def _other() -> _Answer:
    return _json(HTTPStatus.NOT_FOUND, {"paths": ["/metrics", "/live", "/ready"]})


def _json(status: HTTPStatus, value: object) -> _Answer:
    return _Answer(status, "application/json", msgspec.json.encode(value) + b"\n")


@contextmanager
def serving(
    host: str, port: int, *, health: Callable[[], Health], registry: CollectorRegistry
) -> Iterator[str]:
    """Serve as long as the context lasts; gives the address, ``http://HOST:PORT``.

    Args:
        host: a name or address of this host.
        port: 0 for any free one.
        health: tells whether all is well.
        registry: of the metrics.

    Raises:
        CartwheelError: nothing can listen there.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        server = _Server(family, address, health, registry)
    except OSError as error:
        raise CartwheelError(
            f"http: {host}:{port} cannot be listened on: {error.strerror}; is another one there?"
        ) from None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        shown = "[{}]" if family == socket.AF_INET6 else "{}"
        yield f"http://{shown.format(server.server_name)}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
