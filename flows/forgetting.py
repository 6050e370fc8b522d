"""What is to be done to forget a customer, and the doing of it, which may be interrupted anywhere.

Everything new is made beside the old first. Then one file is written that says what takes the
place of what: from then on the customer is forgotten, and whoever comes next finishes the work,
be it the same command once more or the next run.
"""

import os
import shutil
from pathlib import Path

import msgspec

from connectors.errors import FileProblem
from flows import recovery
from flows.errors import ResumeError
from operators.times import parse_time
from state import audit, faults
from state.folder import StateFolder, write_json
from state.versions import Version, remove_versions, write_committed

_JOURNAL = "forgetting.json"
_SUPPRESSED = "suppressed.json"


class Receipt(msgspec.Struct, frozen=True):
    """What was removed.

    Attributes:
        customer: as a hash with the state's key.
        state: the state's id.
        config: its name.
        time: when, by the wall clock.
        removed: how many of each kind.
        suppressed: whether later events of the customer are dropped.
    """

    customer: str
    state: str
    config: str
    time: str
    removed: dict[str, int]
    suppressed: bool


class Row(msgspec.Struct, frozen=True):
    """A snapshot of Bytewax's that takes another's place."""

    step: str
    key: str
    row: bytes


class Notice(msgspec.Struct, frozen=True):
    """A line for those who read the outputs.

    Attributes:
        path: of the file.
        length: of the file before it.
        line: what is written.
    """

    path: str
    length: int
    line: bytes


class Forgetting(msgspec.Struct, frozen=True):
    """What is to be done.

    Attributes:
        receipt: what it comes to.
        rows: the snapshots that change.
        versions: by the name of a shard's or a model's folder, the version that is to be left.
        outboxes: the numbers of those that were made anew.
        notice: what is to be written, if anything.
        linked: the anonymous ids that were the customer's, as hashes; they are dropped likewise.
    """

    receipt: Receipt
    rows: list[Row] = []
    versions: dict[str, Version] = {}
    outboxes: list[int] = []
    notice: Notice | None = None
    linked: list[str] = []


class _Suppressed(msgspec.Struct):
    """The file of those whose events are dropped, as hashes."""

    customers: list[str] = []


def begin(folder: StateFolder, forgetting: Forgetting) -> None:
    """Let the customer be forgotten: from here on there is no way back."""
    faults.reach("before-forgetting")
    write_json(folder.path / _JOURNAL, forgetting)


def finish(folder: StateFolder) -> Receipt | None:
    """Do what is still to be done of what was begun; the caller has the state for itself.

    Returns:
        The receipt, None where nothing was begun.

    Raises:
        ResumeError: what was begun cannot be read.
        FileProblem: the output folder cannot be written.
    """
    journal = folder.path / _JOURNAL
    try:
        forgetting = msgspec.json.decode(journal.read_bytes(), type=Forgetting)
    except FileNotFoundError:
        shutil.rmtree(new_outboxes(folder), ignore_errors=True)
        return None
    except msgspec.DecodeError as error:
        raise ResumeError(f"{journal} cannot be read: {error}; restore the state") from None
    changed = {(each.step, each.key): each.row for each in forgetting.rows}
    recovery.replace(folder.recovery, changed)
    for name, version in forgetting.versions.items():
        faults.reach("while-forgetting")
        write_committed(folder.path / name, version)
        remove_versions(folder.path / name, keep={version})
    _take_outboxes(folder, forgetting.outboxes)
    shutil.rmtree(folder.path / "attributes", ignore_errors=True)  # made anew when it is wanted
    if forgetting.receipt.suppressed:
        _suppress(folder, [forgetting.receipt.customer, *forgetting.linked])
    if forgetting.notice is not None:
        _write(forgetting.notice)
    _note(folder, forgetting.receipt)
    faults.reach("while-forgetting")
    journal.unlink()
    return forgetting.receipt


def suppressed(folder: StateFolder) -> list[str]:
    """Return whose events are dropped, as hashes with the state's key."""
    try:
        data = (folder.path / _SUPPRESSED).read_bytes()
    except FileNotFoundError:
        return []
    return msgspec.json.decode(data, type=_Suppressed).customers


def outboxes(folder: StateFolder) -> Path:
    """Return the folder of what waits to be sent to topics."""
    return folder.path / "outbox"


def new_outboxes(folder: StateFolder) -> Path:
    """Return the folder of outboxes that are to take the place of others."""
    return folder.path / "outbox.new"


def _take_outboxes(folder: StateFolder, numbers: list[int]) -> None:
    """Put each outbox that was made anew in its place; of those others there shall be none."""
    for number in numbers:
        name = f"{number:06d}"
        if (new_outboxes(folder) / name).exists():
            outboxes(folder).mkdir(exist_ok=True)
            (new_outboxes(folder) / name).replace(outboxes(folder) / name)
            faults.reach("while-forgetting")
    if outboxes(folder).exists():
        for path in outboxes(folder).iterdir():
            if path.name not in {f"{number:06d}" for number in numbers}:
                path.unlink()  # of an epoch that was never committed
    shutil.rmtree(new_outboxes(folder), ignore_errors=True)


def _suppress(folder: StateFolder, customers: list[str]) -> None:
    customers = sorted({*suppressed(folder), *customers})
    write_json(folder.path / _SUPPRESSED, _Suppressed(customers))


def _note(folder: StateFolder, receipt: Receipt) -> None:
    """Keep the receipt, so that it is not lost where nobody was there to see it."""
    entry = audit.Entry(
        time=parse_time(receipt.time),
        action="forget",
        customer=receipt.customer,
        removed=receipt.removed,
        suppressed=receipt.suppressed,
    )
    audit.append(folder.path, entry)


def _write(notice: Notice) -> None:
    """Write a notice, once however often this is called."""
    try:
        with Path(notice.path).open("r+b" if Path(notice.path).exists() else "xb") as file:
            file.truncate(notice.length)
            file.seek(notice.length)
            file.write(notice.line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FileProblem(f"{notice.path}: cannot be written: {error.strerror}") from error
