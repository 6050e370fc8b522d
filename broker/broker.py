"""One Kafka node as a process: start it, stop it, kill it, hold it up, start it again."""

import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from broker.certificate import make_certificate
from broker.class_archive import archive_options, keep_archive
from broker.distribution import class_path, java_program, last_lines, run_to_end
from broker.errors import BrokerError
from broker.ports import HOST, answers, are_free, free_ports
from broker.process_mark import ProcessMark, mark_process
from broker.settings import KeyStore, Ports, server_properties

_READY_WITHIN_S = 60.0
_FORMAT_WITHIN_S = 60.0
_STOP_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.1
_PR_SET_PDEATHSIG = 1
_NOTE = "process.json"

_SMALL = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""For the tool that formats: it is done before better code would pay."""

_MODEST = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=128m")

# Loaded here: nothing may be imported between fork and exec.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class SecureAccess(NamedTuple):
    """How a client reaches the listener with TLS and SCRAM-SHA-512.

    Attributes:
        bootstrap: host and port.
        certificate: to trust (PEM).
        user: the one user there is.
        password: the user's.
    """

    bootstrap: str
    certificate: Path
    user: str
    password: str


class Broker:
    """A node of Kafka with its data in a folder of its own.

    As a context manager it is started, and at the end killed and its data removed. On Linux it
    also dies with the thread that started it, unless it shall outlive it. The ports stay the same
    for as long as the folder is kept.
    """

    def __init__(self, folder: Path, *, secure: bool = False, outlives: bool = False) -> None:
        """Prepare, without starting anything.

        Args:
            folder: for data, settings and log; an earlier broker's is taken up again.
            secure: also listen with TLS and SCRAM (in a new folder only).
            outlives: leave the broker running when this process ends.
        """
        self._folder = folder
        self._secure = secure
        self._outlives = outlives
        self._ports: Ports | None = None
        self._access: SecureAccess | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self._data, ignore_errors=True)

    @property
    def bootstrap(self) -> str:
        """Host and port for clients without TLS; known once it was started."""
        assert self._ports is not None, "it was started"
        return f"{HOST}:{self._ports.plain}"

    @property
    def access(self) -> SecureAccess:
        """How to reach the secure listener; known once it was started."""
        assert self._access is not None, "it was started, and asked to be secure"
        return self._access

    @property
    def mark(self) -> ProcessMark:
        """The running process."""
        assert self._process is not None, "it runs"
        mark = mark_process(self._process.pid)
        if mark is None:
            raise BrokerError(f"the broker has ended: {self._said()}")
        return mark

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "broker.log"

    @property
    def _settings(self) -> Path:
        return self._folder / "server.properties"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            BrokerError: it cannot be fetched, or has ended, or does not answer.
        """
        assert self._process is None, "it is started once"
        java, kafka = java_program(), class_path()
        if self._ports is None:
            self._prepare(java, kafka)
        options = [*_MODEST, *archive_options(java, self._folder), *_log_level("warn")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (Kafka)
                [java, *options, "-cp", kafka, "kafka.Kafka", str(self._settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at a terminal is not for it
                preexec_fn=None if self._outlives else _die_with(os.getpid()),  # noqa: PLW1509
            )
        try:
            note_process(self._folder, self.mark, self.bootstrap)
            self._await_answer(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Let it finish and end; kill it where it does not. Its data stays."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(_STOP_WITHIN_S)
            keep_archive(java_program(), self._folder)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does. Its data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop it and start it again, on the same ports and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Hold it up: connections stay open, nothing is answered."""
        assert self._process is not None, "it runs"
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        assert self._process is not None, "it runs"
        self._process.send_signal(signal.SIGCONT)

    def _prepare(self, java: str, kafka: str) -> None:
        """Choose ports, make the storage in a new folder, and only then note the ports."""
        self._folder.mkdir(parents=True, exist_ok=True)
        saved = self._folder / "ports.json"
        if saved.exists():
            assert not self._secure, "users are made with the storage only"
            plain, controller = json.loads(saved.read_text())
            if not are_free(plain, controller):
                plain, controller = free_ports(2)
            ports, keys = Ports(plain, controller, None), None
        else:
            shutil.rmtree(self._data, ignore_errors=True)  # left by a start that was cut short
            plain, controller, secure = free_ports(3)
            ports = Ports(plain, controller, secure if self._secure else None)
            keys = self._make_access(secure) if self._secure else None
        self._settings.write_text(server_properties(self._data, ports, keys))
        if not saved.exists():
            self._format(java, kafka)
        saved.write_text(json.dumps([plain, controller]))
        self._ports = ports

    def _make_access(self, port: int) -> KeyStore:
        """Make the certificate and a password for the secure listener."""
        keys, certificate = make_certificate(self._folder, secrets.token_hex(16))
        self._access = SecureAccess(f"{HOST}:{port}", certificate, "shop", secrets.token_hex(16))
        return keys

    def _format(self, java: str, kafka: str) -> None:
        """Make the storage, with the user in it."""
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [java, *_SMALL, *_log_level("error"), "-cp", kafka]
        command += ["kafka.tools.StorageTool", "format"]
        # With "=", for an id may begin with a dash.
        command += [f"--cluster-id={cluster}", "--config", str(self._settings)]
        if self._access is not None:
            user = f"name={self._access.user},password={self._access.password}"
            command += ["--add-scram", f"SCRAM-SHA-512=[{user}]"]
        run_to_end(command, _FORMAT_WITHIN_S)

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until clients are served."""
        assert self._ports is not None, "they were chosen"
        until = time.monotonic() + _READY_WITHIN_S
        while process.poll() is None:
            if answers(self._ports.plain):
                return
            if time.monotonic() > until:
                raise BrokerError(f"the broker did not answer in time: {self._said()}")
            time.sleep(_LOOK_EVERY_S)
        raise BrokerError(f"the broker ended with {process.returncode}: {self._said()}")

    def _said(self) -> str:
        return last_lines(self._log.read_text(errors="replace"))


def note_process(folder: Path, mark: ProcessMark, bootstrap: str) -> None:
    """Note which process runs, before it is ready: so it is found even if its starter is killed."""
    (folder / _NOTE).write_text(json.dumps([*mark, bootstrap]))


def noted_process(folder: Path) -> tuple[ProcessMark, str] | None:
    """Return the process that was started last in a folder, with its address, if it still runs."""
    note = folder / _NOTE
    if not note.exists():
        return None
    pid, started, bootstrap = json.loads(note.read_text())
    mark = ProcessMark(pid, started)
    return (mark, bootstrap) if mark.runs() else None


def _log_level(level: str) -> list[str]:
    return [f"-Dorg.slf4j.simpleLogger.defaultLogLevel={level}"]


def _die_with(parent: int) -> Callable[[], None]:
    """Make what a new process does first: ask to be killed with the one that started it."""

    def before_exec() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it was gone before that was asked
                os._exit(1)

    return before_exec
