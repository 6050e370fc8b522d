"""Fetches Kafka's jars, once per machine, and finds the Java that runs them.

The jars are kept outside the repository, in the user's cache folder. Which version it is stands in
``pom.xml``; where Maven fetches from is Maven's own setting.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from broker.errors import BrokerError

POM = Path(__file__).with_name("pom.xml")

_FETCH_WITHIN_S = 300.0
_SAID_LINES = 5


def kafka_version() -> str:
    """Return the version of Kafka that ``pom.xml`` names."""
    found = re.search(r"<kafka\.version>([\w.-]+)</kafka\.version>", POM.read_text())
    assert found, "pom.xml names a version"
    return found[1]


def cache_folder() -> Path:
    """Return the folder for what can be fetched or made again; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cartwheel"


def java_program(name: str = "java") -> str:
    """Find a program of the Java installation, first on PATH.

    Raises:
        BrokerError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(name) or (home and shutil.which(name, path=f"{home}/bin"))
    if not found:
        raise BrokerError(f"{name} was not found; Kafka needs Java 17 or newer")
    return found


def class_path() -> str:
    """Return the class path of Kafka; fetch it where this machine has not got it yet.

    Raises:
        BrokerError: Maven is missing or has failed.
    """
    folder = cache_folder() / f"kafka-{kafka_version()}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():  # another process may have fetched it while this one waited
                _fetch(folder)
    return f"{folder}/*"


def _fetch(folder: Path) -> None:
    """Fetch the jars beside the folder and rename: a folder that exists is complete."""
    maven = shutil.which("mvn")
    if not maven:
        raise BrokerError("mvn was not found; Kafka is fetched with Maven")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}-") as beside:
        jars = Path(beside) / "jars"
        command = [maven, "-q", "-B", "--strict-checksums", "-f", str(POM)]
        command += ["dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
        run_to_end(command, _FETCH_WITHIN_S)
        jars.rename(folder)


def run_to_end(command: list[str], within_s: float) -> None:
    """Run a program of Java's or Maven's that shall succeed.

    Raises:
        BrokerError: it has not; with the last lines of what it has said.
    """
    name = Path(command[0]).name
    try:
        subprocess.run(  # noqa: S603 (programs found above)
            command,
            check=True,
            timeout=within_s,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        raise BrokerError(f"{name} was not done after {within_s:.0f} s") from None
    except subprocess.CalledProcessError as error:
        said = error.stdout.decode(errors="replace")
        raise BrokerError(f"{name} failed: {last_lines(said)}") from None


def last_lines(text: str) -> str:
    """Return the last few lines that say something, joined into one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-_SAID_LINES:]) or "it said nothing"
