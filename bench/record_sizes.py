"""How large a customer's records are, as they are written to RocksDB."""

from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import msgspec

from bench.phases import Pipeline
from bench.rules import EVENT, write_all_features
from bench.running import job_of
from operators.profile_store import Profile
from operators.times import EventTime, format_time, parse_time
from state.prefixes import Prefix

_START = parse_time("2026-01-05T00:30:00Z")
_WITHIN_MS = 22 * 3_600_000


class Sizes(NamedTuple):
    """Of one kind of record, in bytes."""

    mean: float
    p99: int
    largest: int


def feature_sizes(folder: Path, values: int) -> dict[str, int]:
    """Return the bytes that each feature takes in a profile.

    Args:
        folder: a new one.
        values: how many the customer has, evenly over 22 hours of one day, all in one session;
            their texts are all different.

    Returns:
        Bytes by ``KIND_WINDOW``.
    """
    folder.mkdir()
    config = write_all_features(folder / "all.yaml", gap="24h")
    events = folder / "events.jsonl"
    events.write_bytes(b"".join(_one_customer(values)))
    pipeline = _finished(config, events, folder / "state")
    (record,) = _records(pipeline, Prefix.PROFILE)
    profile = msgspec.msgpack.decode(record, type=Profile)
    (session,) = profile.sessions
    kept = {each.plan.name: profile.features[each.slot] for each in pipeline.kept.of_profile}
    kept |= {each.plan.name: session.collected[each.slot] for each in pipeline.kept.of_session}
    return {name: len(msgspec.msgpack.encode(state)) for name, state in kept.items()}


def customer_sizes(config: Path, events: Path, folder: Path) -> dict[str, Sizes]:
    """Return how large the records of many customers are, by the step that keeps them."""
    pipeline = _finished(config, events, folder)
    return {
        step: _sizes(sorted(len(record) for record in _records(pipeline, prefix)))
        for step, prefix in (("profile", Prefix.PROFILE), ("decide", Prefix.CUSTOMER))
    }


def _finished(config: Path, events: Path, folder: Path) -> Pipeline:
    """Let events through and write all records."""
    pipeline = Pipeline(job_of(config, [events], folder / "out", "time"), folder)
    for _ in pipeline.run():
        pass
    pipeline.commit()
    return pipeline


def _records(pipeline: Pipeline, prefix: Prefix) -> Iterator[bytes]:
    for store in pipeline.stores:
        keys = store.keyvalue.keys(prefix.key, prefix.key, 1 << 31)
        yield from (value for value in store.keyvalue.get_many(keys) if value is not None)


def _sizes(lengths: list[int]) -> Sizes:
    if not lengths:
        return Sizes(0.0, 0, 0)
    return Sizes(mean(lengths), lengths[len(lengths) * 99 // 100], lengths[-1])


def _one_customer(values: int) -> Iterator[bytes]:
    for number in range(values):
        event = {
            "type": "track",
            "event": EVENT,
            "messageId": f"m{number}",
            "userId": "u1",
            "timestamp": format_time(EventTime(_START + number * _WITHIN_MS // values)),
            "properties": {"product_id": f"p{number:04}", "price": number % 100 + 0.95},
        }
        yield msgspec.json.encode(event) + b"\n"
