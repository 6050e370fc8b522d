"""A KeyValue in RocksDB: no write-ahead log, since a live folder is thrown away at every start."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Literal

from rocksdict import (
    BlockBasedOptions,
    Cache,
    Checkpoint,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
    WriteOptions,
)

from state.errors import StateError

Compression = Literal["lz4", "none"]

_OPEN_FILES = 600  # over all shards of a worker: leaves room under `ulimit -n 1024`
_OPEN_FILES_LEAST = 12
_OPEN_FILES_MOST = 50
_FILES_BESIDE = 6  # of a shard: its log, its manifest and the like
_FILES_OF_WORKER = 100
_BLOCK_CACHE_BYTES = 64 << 20
_MEMTABLE_BYTES = 16 << 20
_BLOOM_BITS = 10
_BACKGROUND_JOBS = 2
_COPIED_AT_ONCE = 1000


@dataclass(frozen=True)
class RocksSettings:
    """How RocksDB is opened.

    Attributes:
        compression: of blocks on disk.
        open_files: the most files that one folder holds open, 10 of them for other than tables.
        cache: the block cache, shared by the folders that a worker has open.
    """

    compression: Compression
    open_files: int
    cache: Cache


class RocksKeyValue:
    """One RocksDB folder, open for reading and writing; made when it is not there.

    Attributes:
        changed: whether anything was written since the last checkpoint.
        has_traces: whether something was deleted that shall leave no trace, and may have left one.
    """

    def __init__(self, path: Path, settings: RocksSettings) -> None:
        self._settings = settings
        self._database = _opened(path, settings)
        self.changed = False
        self.has_traces = False

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValue."""
        values: list[bytes | None] = self._database.get(list(keys))  # type: ignore[assignment]
        return values

    def put(self, key: bytes, value: bytes) -> None:
        """See KeyValue."""
        self.changed = True
        self._database.put(key, value)

    def delete(self, key: bytes) -> None:
        """See KeyValue."""
        self.changed = True
        self._database.delete(key)

    def keys(self, start: bytes, prefix: bytes, limit: int) -> list[bytes]:
        """See KeyValue."""
        found: list[bytes] = []
        iterator = self._database.iter()
        iterator.seek(max(start, prefix))
        while len(found) < limit and iterator.valid():
            key: bytes = iterator.key()
            if not key.startswith(prefix):
                break
            found.append(key)
            iterator.next()
        iterator.status()
        return found

    def leave_no_trace(self) -> None:
        """See KeyValue; ``move`` leaves none."""
        self.changed = self.has_traces = True

    def move(self, path: Path) -> None:
        """Go on in a new folder that has seen nothing of what was deleted; close the old one.

        A compaction would not do: manifests name the first and last keys of tables that are gone.
        """
        before, after = self._database, _opened(path, self._settings)
        batch = WriteBatch(raw_mode=True)
        for key, value in before.items():
            batch.put(key, value)
            if len(batch) == _COPIED_AT_ONCE:
                after.write(batch, _without_log())
                batch = WriteBatch(raw_mode=True)
        after.write(batch, _without_log())
        before.close()
        self._database = after
        self.has_traces = False

    def checkpoint(self, path: Path) -> None:
        """Write a copy that shares its unchanged files; afterwards nothing counts as changed."""
        Checkpoint(self._database).create_checkpoint(str(path))
        self.changed = False

    def close(self) -> None:
        """Close the folder; the object is of no use any more."""
        self._database.close()


def settings_for(shards: int, compression: Compression) -> RocksSettings:
    """Share out files among the shards that one worker may have open.

    Raises:
        StateError: the system allows too few files to be open.
    """
    open_files = min(max(_OPEN_FILES // shards, _OPEN_FILES_LEAST), _OPEN_FILES_MOST)
    needed = shards * (open_files + _FILES_BESIDE) + _FILES_OF_WORKER
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if soft < needed <= hard:
        setrlimit(RLIMIT_NOFILE, (needed, hard))
    elif hard < needed:
        raise StateError(
            f"{shards} shards in one process need {needed} open files, {hard} are allowed"
            " (ulimit -Hn); allow more, or use more workers"
        )
    return RocksSettings(compression, open_files, Cache(_BLOCK_CACHE_BYTES))


def _opened(path: Path, settings: RocksSettings) -> Rdict:
    database = Rdict(str(path), _options(settings))
    database.set_write_options(_without_log())
    return database


def _without_log() -> WriteOptions:
    options = WriteOptions()
    options.disable_wal = True  # type: ignore[method-assign, assignment]
    return options


def _options(settings: RocksSettings) -> Options:
    table = BlockBasedOptions()
    table.set_bloom_filter(_BLOOM_BITS, block_based=False)
    table.set_block_cache(settings.cache)
    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=True)
    options.set_block_based_table_factory(table)
    options.set_compression_type(
        DBCompressionType.lz4() if settings.compression == "lz4" else DBCompressionType.none()
    )
    options.set_max_open_files(settings.open_files)
    options.set_write_buffer_size(_MEMTABLE_BYTES)
    options.set_max_background_jobs(_BACKGROUND_JOBS)
    options.set_keep_log_file_num(1)
    options.set_max_log_file_size(1 << 20)
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)
    return options
