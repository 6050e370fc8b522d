"""Rewrites a version without one customer, so that not a byte of theirs is left in it.

A deleted key stays in RocksDB's tables until they are compacted, and its manifest names the first
and the last key of every table. So what is to stay is copied into a new store.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from state.about import read_about, write_about
from state.errors import StateError
from state.prefixes import Prefix
from state.records import RECORD_BYTES, record_key
from state.rocks import RocksKeyValue, RocksSettings
from state.timers import customer_in
from state.versions import Version, Versions

_COPIED_AT_ONCE = 1000

_TIMERS = {
    Prefix.SESSION_TIMER,
    Prefix.EXPIRY_TIMER,
    Prefix.INSTANCE_TIMER,
    Prefix.ROW_TIMER,
    Prefix.SEGMENT_TIMER,
    Prefix.NAME_TIMER,
}
_RECORDS = {
    Prefix.PROFILE,
    Prefix.CUSTOMER,
    Prefix.ATTRIBUTES,
    Prefix.GIVEN_SCORES,
    Prefix.WAITING_OUTCOME,  # several, with more behind it
    Prefix.COUNTED_VALUES,
    Prefix.NAME,
}


def keys_of(*customers: str) -> Callable[[bytes], Prefix | None]:
    """Return what tells of a key which kind of some customers' entries it is, None for others'."""
    names = {customer.encode() for customer in customers}
    records = {record_key(Prefix.PROFILE, customer)[1:] for customer in customers}

    def kind(key: bytes) -> Prefix | None:
        prefix = Prefix(key[0])
        if prefix in _TIMERS:
            return prefix if customer_in(key) in names else None
        is_theirs = prefix in _RECORDS and key[1 : 1 + RECORD_BYTES] in records
        return prefix if is_theirs else None

    return kind


def values_of(
    folder: Path, version: Version, prefix: Prefix, *, run: str, settings: RocksSettings
) -> Iterator[bytes]:
    """Go through all that a version keeps of one kind.

    Args:
        folder: of the shard.
        version: which.
        prefix: the kind.
        run: the id of the run that the state is prepared for.
        settings: how RocksDB is opened.

    Raises:
        StateError: the version is missing.
    """
    source = Versions(folder, run).open(version)
    try:
        with closing(RocksKeyValue(source, settings)) as store:
            start = prefix.key
            while keys := store.keys(start, prefix.key, _COPIED_AT_ONCE):
                yield from filter(None, store.get_many(keys))
                start = keys[-1] + b"\0"
    finally:
        shutil.rmtree(source, ignore_errors=True)


def rewrite(  # noqa: PLR0913 (what is copied, and how it is to differ)
    folder: Path,
    version: Version,
    *,
    run: str,
    settings: RocksSettings,
    leave_out: Callable[[bytes], Prefix | None],
    change: Mapping[bytes, bytes] | None = None,
) -> tuple[Version, Counter[Prefix]]:
    """Make a version like another, without some keys; the other one stays as it is.

    Args:
        folder: of the shard or the model.
        version: the other one.
        run: the id that the new version's name ends with.
        settings: how RocksDB is opened.
        leave_out: gives the kind of a key that is to be left out, None for those that stay.
        change: other values of some keys that stay.

    Returns:
        The new version, which is on disk, and how many keys of each kind were left out.

    Raises:
        StateError: the version is missing or damaged, or the disk is full.
    """
    versions = Versions(folder, run)
    source = versions.open(version)
    target = source.with_name(f"{source.name}-new")
    new = versions.next()
    try:
        with (
            closing(RocksKeyValue(source, settings)) as before,
            closing(RocksKeyValue(target, settings)) as after,
        ):
            left_out = _copy(before, after, leave_out, change or {})
            about = read_about(before, str(folder / version))
            about.version = new
            write_about(after, about)
            after.checkpoint(versions.path(new))
    except Exception as error:
        if type(error) is Exception:  # rocksdict raises nothing more special
            raise StateError(f"{folder / version} cannot be rewritten: {error}") from error
        raise
    finally:
        shutil.rmtree(source, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
    _bring_to_disk(versions.path(new))
    return new, left_out


def _copy(
    before: RocksKeyValue,
    after: RocksKeyValue,
    leave_out: Callable[[bytes], Prefix | None],
    change: Mapping[bytes, bytes],
) -> Counter[Prefix]:
    left_out: Counter[Prefix] = Counter()
    start = b""
    while keys := before.keys(start, b"", _COPIED_AT_ONCE):
        for key, value in zip(keys, before.get_many(keys), strict=True):
            kind = leave_out(key)
            if kind is not None:
                left_out[kind] += 1
                continue
            assert value is not None, "the key was just found"
            after.put(key, change.get(key, value))
        start = keys[-1] + b"\0"
    return left_out


def _bring_to_disk(folder: Path) -> None:
    """Wait until a folder's files would survive a failure of power."""
    for path in [*folder.iterdir(), folder]:
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
