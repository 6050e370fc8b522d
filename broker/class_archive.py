"""Loaded classes, kept from one run of Kafka for the next: it then starts in a third of the time.

Java calls this class data sharing. An archive that does not fit is ignored by Java, and whether
there is one changes nothing but the speed.
"""

import os
import shutil
from pathlib import Path

from broker.distribution import cache_folder, kafka_version


def archive_options(java: str, folder: Path) -> list[str]:
    """Return Java's options to use the archive or, where there is none, to make one at its end."""
    kept = _kept(java)
    quiet = "-Xlog:disable"  # it lists each class that cannot be kept
    if kept.exists():
        return [quiet, f"-XX:SharedArchiveFile={kept}"]
    return [quiet, f"-XX:ArchiveClassesAtExit={_made(folder)}"]


def keep_archive(java: str, folder: Path) -> None:
    """Keep what a process has made that has ended by itself; a killed one leaves none or half."""
    made = _made(folder)
    if made.exists():
        beside = _kept(java).with_suffix(f".{os.getpid()}")
        shutil.move(made, beside)  # the folder may be on another disk than the cache
        beside.replace(_kept(java))


def _made(folder: Path) -> Path:
    """Return where the broker of a folder makes its archive."""
    return folder / "classes.jsa"


def _kept(java: str) -> Path:
    """Return where the archive is kept; another Java needs another."""
    changed = Path(java).resolve().stat().st_mtime_ns
    return cache_folder() / f"kafka-{kafka_version()}-{changed}.jsa"
