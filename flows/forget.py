"""Forgets one customer: takes out of a state that nobody runs all that it keeps of them.

The customer's shard and the models are made anew without them (see ``state.rewriting``), and so are
the results that wait to be sent. All others' is left as it was, byte by byte.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from connectors.errors import FileProblem
from connectors.kafka.outbox import Outbox, OutboxRecord
from connectors.kafka.outbox_copy import copy_without
from connectors.kafka.plans import TopicsOut
from connectors.out_folder import MARKER, OutFolder
from connectors.rendering import render_line, render_record
from connectors.sinks import FilesOut
from connectors.tick_parts import SinkState
from flows import main
from flows.explain import read_customer
from flows.export import last_job
from flows.forgetting import (
    Forgetting,
    Notice,
    Receipt,
    Row,
    begin,
    finish,
    new_outboxes,
    outboxes,
)
from flows.job import Job
from flows.model_logic import ModelState
from flows.resume import prepare
from flows.shard_keys import shard_key
from flows.sinks import FILES
from flows.steps import DecideState
from operators.customers import Customer
from operators.erasing import CUSTOMERS, KEYED
from operators.names import Named
from operators.outputs import Output, Record, Tombstone, make_id
from operators.profile_store import Profile
from operators.route import shard_of
from operators.times import EventTime, format_time
from state.folder import Identity, Run, StateFolder
from state.keyed_hash import keyed_hash, make_key
from state.prefixes import Prefix
from state.records import record_key
from state.rewriting import keys_of, rewrite, values_of
from state.rocks import RocksSettings, settings_for
from state.versions import NO_VERSION, Version

_STORES = 2  # are open at a time


def forget_customer(folder: StateFolder, customer: str, *, suppress: bool) -> Receipt:
    """Forget a customer; the caller holds the state's lock.

    A customer of whom nothing is known is forgotten as well: nothing is removed, the rest is done.

    Args:
        folder: the state, which was made before.
        customer: who.
        suppress: whether later events of the customer are to be dropped.

    Returns:
        What was removed; where this was interrupted the last time, what that came to.

    Raises:
        StateError: the state cannot be read or written, or is in use.
        ResumeError: the state is damaged.
        ConnectorProblem: its outputs cannot be written.
    """
    identity = folder.identity()
    with folder.lock_workers(), ExitStack() as stack:
        name = keyed_hash(make_key(folder.path), customer)
        interrupted = finish(folder)
        if interrupted and interrupted.customer == name and interrupted.suppressed >= suppress:
            return interrupted
        now = EventTime(int(time.time() * 1000))
        receipt = Receipt(name, identity.id, identity.name, format_time(now), {}, suppress)
        forgetting = Forgetting(receipt)
        if folder.was_run():
            job = last_job(folder)
            run, _ = prepare(folder, identity, job)
            forgetting = _Work(folder, identity, job, run, customer).prepared(
                forgetting, now, stack
            )
        begin(folder, forgetting)
        finished = finish(folder)
        assert finished, "it was just begun"
        return finished


class _Work:
    """What is made beside the old before a customer is forgotten."""

    def __init__(
        self, folder: StateFolder, identity: Identity, job: Job, run: Run, customer: str
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._job = job
        self._run = run
        self._customer = customer
        self._settings: RocksSettings = settings_for(_STORES, job.compression)
        self._ids = [customer]
        self._removed: Counter[str] = Counter()
        self._left: list[str] = []
        self._has_names = False
        self._unlinked: dict[bytes, bytes] = {}
        self._rows: dict[tuple[str, str], bytes] = {}
        self._versions: dict[str, Version] = {}

    def prepared(self, forgetting: Forgetting, now: EventTime, stack: ExitStack) -> Forgetting:
        """Make all that is new; return what is to be done."""
        self._count()
        self._make_shards()
        self._make_models()
        numbers, notice = [], None
        if self._run.sink:
            sink = msgspec.msgpack.decode(self._run.sink, type=SinkState)
            numbers = self._make_outboxes(sink.outbox)
            if isinstance(self._job.sink, TopicsOut):
                numbers.append(self._tell_topics(sink, forgetting.receipt, now))
            for name in self._left:  # or the number of members would count them for ever
                sink.counts[f"segment.left {name}"] = sink.counts.get(f"segment.left {name}", 0) + 1
            notice = self._make_notice(sink, forgetting.receipt, now, stack)
            self._rows[main.step_id("sinks"), FILES] = msgspec.msgpack.encode(sink)
        removed = {name: count for name, count in sorted(self._removed.items()) if count}
        return Forgetting(
            receipt=msgspec.structs.replace(forgetting.receipt, removed=removed),
            rows=[Row(step, key, row) for (step, key), row in self._rows.items()],
            versions=self._versions,
            outboxes=numbers,
            notice=notice,
            linked=[keyed_hash(make_key(self._folder.path), each) for each in self._ids[1:]],
        )

    def _count(self) -> None:
        """Count what stands in the customer's records."""
        about, found = read_customer(self._folder, self._customer)
        profile = found.get(record_key(Prefix.PROFILE, self._customer))
        if profile is not None:
            kept = msgspec.msgpack.decode(profile, type=Profile)
            self._removed["features"] = len(kept.features)
            self._removed["message_ids"] = len(kept.message_ids)
            self._removed["open_sessions"] = sum(not each.is_closed for each in kept.sessions)
        decided = found.get(record_key(Prefix.CUSTOMER, self._customer))
        if decided is not None:
            customer = msgspec.msgpack.decode(decided, type=Customer)
            pending = [each for each in customer.instances() if each.is_pending]
            self._removed["pending_instances"] = len(pending)
            self._removed["decisions"] = len(customer.decisions)
            assert about is not None, "it has the record"
            names = about.views[customer.view].segments
            pairs = zip(names, customer.memberships, strict=False)
            self._left = [name for name, each in pairs if each.inside]
            self._removed["memberships"] = len(self._left)

    def _make_shards(self) -> None:
        """Make the shards without the customer, and without the ids that are linked to them.

        No other shard has anything of theirs, unless anonymous ids are linked to customers: then
        what is deleted in any may still stand in its files, of an id that once was theirs.
        """
        self._ids += sorted(self._linked())
        numbers = {shard_of(each, self._identity.shards) for each in self._ids}
        if self._has_names:
            numbers = set(range(self._identity.shards))
        for number in sorted(numbers):
            self._make_shard(number, self._ids)

    def _linked(self) -> Iterator[str]:
        """Find the anonymous ids that are linked to the customer, in whatever shard."""
        for number, version in enumerate(self._run.versions):
            if version == NO_VERSION:
                continue
            folder, run = self._folder.shard(number), self._run.id
            for value in values_of(folder, version, Prefix.NAME, run=run, settings=self._settings):
                self._has_names = True
                named = msgspec.msgpack.decode(value, type=Named)
                if named.customer != self._customer:
                    continue
                if not named.is_customer:
                    yield named.name
                    continue
                named.customer = ""  # somebody's own, of which the link alone goes
                key = record_key(Prefix.NAME, named.name)
                self._unlinked[key] = msgspec.msgpack.encode(named)

    def _make_shard(self, number: int, ids: Sequence[str]) -> None:
        def row(new: Version) -> bytes:
            before = msgspec.msgpack.decode(self._run.decide[number], type=DecideState)
            return msgspec.msgpack.encode(msgspec.structs.replace(before, version=new))

        key = (main.step_id("decide"), shard_key(number))
        self._make(self._folder.shard(number), self._run.versions[number], key, row, ids)

    def _make_models(self) -> None:
        for name, start in self._run.models.items():

            def row(new: Version, row: bytes = start.row) -> bytes:
                before = msgspec.msgpack.decode(row, type=ModelState)
                return msgspec.msgpack.encode(msgspec.structs.replace(before, version=new))

            key = (main.step_id("models"), name)
            self._make(self._folder.model(name), start.version, key, row, self._ids)

    def _make(
        self,
        folder: Path,
        version: Version,
        key: tuple[str, str],
        row: Callable[[Version], bytes],
        ids: Sequence[str],
    ) -> None:
        """Make a version of a shard or a model, and the snapshot that names it."""
        if version == NO_VERSION:
            return
        new, left_out = rewrite(
            folder,
            version,
            run=self._run.id,
            settings=self._settings,
            leave_out=keys_of(*ids),
            change=self._unlinked,
        )
        self._versions[folder.name] = new
        self._rows[key] = row(new)
        for prefix, count in left_out.items():
            self._removed[_REMOVED_AS[prefix]] += count

    def _make_outboxes(self, committed: int) -> list[int]:
        """Make what waits to be sent without what is about the customer."""
        folder, beside = outboxes(self._folder), new_outboxes(self._folder)
        if not folder.exists():
            return []
        source, target = Outbox(folder), Outbox(beside)
        numbers = [number for number in source.numbers() if number <= committed]
        for number in numbers:
            left_out = copy_without(source, number, self._ids, target)
            self._removed["waiting_results"] += left_out
        return numbers

    def _tell_topics(self, sink: SinkState, receipt: Receipt, now: EventTime) -> int:
        """Make an outbox that tells consumers, for the next start; return its number.

        Which topics are compacted is seen then: there is a tombstone for each.
        """
        sink.outbox += 1
        sink.written[CUSTOMERS] = sink.written.get(CUSTOMERS, 0) + len(self._ids)
        outbox = Outbox(new_outboxes(self._folder))
        told: list[tuple[str, Output]] = []
        for each in self._ids:
            told.append((CUSTOMERS, _deleted(each, receipt, now)))
            told += [(kind, Tombstone(each, now)) for kind in KEYED if kind in self._job.kinds]
        for kind, output in told:
            line = render_record(receipt.config, output)
            outbox.add(
                sink.outbox,
                OutboxRecord(kind, line.key, line.value, line.headers, line.subject),
            )
        outbox.finish(sink.outbox)
        return sink.outbox

    def _make_notice(
        self, sink: SinkState, receipt: Receipt, now: EventTime, stack: ExitStack
    ) -> Notice | None:
        """Make the lines that tell consumers, where results go to files; the sink counts it."""
        plan = self._job.sink
        if not isinstance(plan, FilesOut):
            return None
        out, file = Path(plan.folder).absolute(), f"{CUSTOMERS}.jsonl"
        if not (out / MARKER).exists():
            raise FileProblem(
                f"{out}, where the results of this state go, is not there, and consumers are told"
                " there; go to the folder that the run was started in"
            )
        stack.enter_context(OutFolder(out).claim(receipt.state, fresh=False, names=[file]))
        told = [render_line(receipt.config, _deleted(each, receipt, now)) for each in self._ids]
        lines = b"".join(each.text + b"\n" for each in told)
        length = sink.lengths.get(CUSTOMERS, 0)
        sink.lengths[CUSTOMERS] = length + len(lines)
        sink.written[CUSTOMERS] = sink.written.get(CUSTOMERS, 0) + len(told)
        return Notice(str(out / file), length, lines)


def _deleted(name: str, receipt: Receipt, now: EventTime) -> Record:
    """Tell that a customer is no more, or an anonymous id that was linked to one."""
    record_id = make_id("forget", receipt.config, name, now) + "-deleted"
    data: dict[str, object] = {"suppressed": receipt.suppressed}
    return Record("customer.deleted", record_id, name, now, data)


_REMOVED_AS = {
    Prefix.NAME: "ids",
    Prefix.NAME_TIMER: "timers",
    Prefix.PROFILE: "profile",
    Prefix.CUSTOMER: "rules_record",
    Prefix.ATTRIBUTES: "attributes",
    Prefix.GIVEN_SCORES: "model_scores",
    Prefix.WAITING_OUTCOME: "model_outcomes",
    Prefix.COUNTED_VALUES: "model_values",
    Prefix.SESSION_TIMER: "timers",
    Prefix.EXPIRY_TIMER: "timers",
    Prefix.INSTANCE_TIMER: "timers",
    Prefix.ROW_TIMER: "timers",
    Prefix.SEGMENT_TIMER: "timers",
}
"""What the receipt calls each kind of key."""
