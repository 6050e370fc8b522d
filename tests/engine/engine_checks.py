"""How the engine is run in these tests, and how what it wrote is compared with the oracle."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from config import Config, rule_version
from flows.identity import identity_plan
from flows.job import Job, ReplayOptions, replay_job
from operators.outputs import make_id
from operators.plans import DecidePlan, ProfilePlan
from operators.times import parse_time
from oracle import Change, Decision, Expected, Rules, Session, run
from oracle.records import (
    canonical,
    decision_record,
    message_record,
    retracted_record,
    retraction_record,
    session_record,
)
from oracle.writing import NOW_MS, renamed
from simulation import Outcome, Simulation
from state.timers import Timers

SIZES = st.lists(st.sampled_from([1, 2, 3, 7, 50]), min_size=1, max_size=5)
"""Sizes of ticks, over and over."""
STOPS = st.lists(st.booleans(), max_size=4).map(lambda drawn: [*drawn, True])
"""Whether the run is stopped after a tick, over and over."""
STOPPED: dict[str, Any] = {
    "sizes": SIZES,
    "order": st.lists(st.integers(0, 1), max_size=6),
    "stops": STOPS,
    "shards": st.sampled_from([1, 3]),
    "records": st.integers(1, 4),
    "timers": st.integers(2, 5),
    "close": st.booleans(),
}
"""How ``assert_stops_change_nothing`` runs its inputs, whatever they and the rules are."""


def job_of(config: Config) -> Job:
    """Compile a config as ``replay`` does."""
    options = ReplayOptions(
        files=[Path("events")],
        out=Path("out"),
        order="time",
        shards=4,
        readers=1,
        workers=1,
        tick_lines=1000,
        now_ms=NOW_MS,
        close=False,
    )
    return replay_job(config, options)


def plans(rules: Rules) -> tuple[ProfilePlan, DecidePlan]:
    """Compile these rules for the two steps."""
    job = job_of(Config.model_validate(rules.as_config()))
    return job.profile, job.decide


def simulation(raw: Sequence[bytes], rules: Rules, **options: Any) -> Simulation:
    """Make the engine ready to run on these lines with these rules."""
    config = Config.model_validate(rules.as_config())
    return Simulation(
        raw,
        *plans(rules),
        identity=identity_plan(config),
        disorder_ms=rules.disorder_ms,
        future_ms=rules.future_ms,
        now_ms=NOW_MS,
        **options,
    )


def engine(raw: Sequence[bytes], rules: Rules, sizes: Iterable[int], **options: Any) -> Outcome:
    """Run the engine on these lines in ticks of these sizes, over and over."""
    return simulation(raw, rules, **options).run(cycle(sizes))


def turns(run: Simulation, order: Sequence[int]) -> Iterator[int]:
    """Say which reader's turn it is: in this order, and each one's now and then."""
    return cycle([*order, *range(len(run.readers))])


def with_stops(
    run_: Simulation, sizes: Sequence[int], stops: Sequence[bool], order: Sequence[int] = ()
) -> Simulation:
    """Run to the end, and start anew after some of the ticks."""
    whose, size, stop = turns(run_, order), cycle(sizes), cycle(stops)
    while run_.step(next(size), next(whose)):
        if next(stop):
            run_ = run_.restarted()
    return run_


@contextmanager
def few_timers(capacity: int) -> Iterator[None]:
    """Keep no more than this many deadlines of each kind in memory."""
    defaults = Timers.__init__.__kwdefaults__
    assert defaults
    assert "capacity" in defaults
    with patch.dict(defaults, capacity=capacity):
        yield


def assert_engine_is_the_oracle(
    raw: Sequence[bytes], rules: Rules, sizes: Sequence[int], *, close: bool, shards: int = 4
) -> tuple[Outcome, Expected]:
    """Run both, with little in memory; check every output and every count."""
    with few_timers(4):
        outcome = engine(raw, rules, sizes, shards=shards, close=close, cache=4)
    expected = run(raw, rules, now_ms=NOW_MS, close=close)
    assert_as_expected(outcome, expected, rules)
    return outcome, expected


def assert_as_expected(outcome: Outcome, expected: Expected, rules: Rules) -> None:
    """Check every output and every count of one reader's run."""
    assert_records(outcome, expected.sessions, expected.decisions, rules, expected)
    assert_changes(outcome, expected.changes)
    lines = expected.classified.lines
    counts = {name: outcome.counts[name] for name in expected.counts}
    assert counts == expected.counts
    accounted = ("applied", "duplicates", "late", "dead_letters", "no_consent")
    assert counts["read"] == sum(counts.get(name, 0) for name in accounted)
    letters = [json.loads(line) for line in outcome.lines.get("dead-letters", [])]
    found = {(letter["line"], letter["stage"].replace("read", "route")) for letter in letters}
    assert found == {(n, line.stage) for n, line in enumerate(lines, start=1) if line.stage}
    assert len(letters) == len(found)


def assert_records(
    outcome: Outcome,
    sessions: Iterable[Session],
    decisions: Sequence[Decision],
    rules: Rules,
    late: Expected | None = None,
) -> None:
    """Check the closed sessions, the decisions and the messages; `late` says what is taken back."""
    retracted, retractions = (late.retracted, late.retractions) if late else ((), ())
    wanted = [session_record(each, _session_id(each.customer, each.named)) for each in sessions]
    for each in retracted:
        ids = (_session_id(each.customer, name) for name in (each.named, each.merged_into))
        wanted.append(retracted_record(each, *ids))
    assert sorted(map(_as_text, records(outcome, "sessions"))) == sorted(wanted)
    versions = {id(one.rules): _versions(one.rules) for one in decisions}
    found = [_without_ids(record) for record in records(outcome, "decisions")]
    assert sorted(found) == sorted(decision_record(o, versions[id(o.rules)]) for o in decisions)
    sent = [one for one in decisions if one.outcome == "sent"]
    found = [_without_ids(record) for record in records(outcome, "triggers")]
    wanted = [message_record(one, versions[id(one.rules)]) for one in sent]
    wanted += [retraction_record(one, versions[id(one.message.rules)]) for one in retractions]
    assert sorted(found) == sorted(wanted)
    decided = records(outcome, "decisions")
    assert_instances_match(records(outcome, "triggers"), decided)
    for name in rules.triggers:
        assert outcome.counts[f"sent {name}"] == sum(one.trigger == name for one in sent)
        back = sum(one.message.trigger == name for one in retractions)
        assert outcome.counts[f"retracted {name}"] == back
    assert_ends_are_counted(outcome, [record["data"] for record in decided], rules)


def assert_ends_are_counted(
    outcome: Outcome, decided: Iterable[dict[str, Any]], rules: Rules
) -> None:
    """Check that each decision is counted once, under its trigger, outcome and reason."""
    wanted = Counter(
        " ".join(filter(None, (data["outcome"], data["reason"], data["trigger"])))
        for data in decided
    )
    endings = ("sent ", "cancelled ", "superseded ", "suppressed ", "expired ")
    found = {name: count for name, count in outcome.counts.items() if name.startswith(endings)}
    for name, trigger in rules.triggers.items():
        if trigger.get("on") == "any":  # supersedings by any event are counted and not written
            wanted.pop(f"superseded {name}", None)
            found.pop(f"superseded {name}", None)
    assert found == wanted


def assert_changes(outcome: Outcome, changes: Iterable[Change]) -> None:
    """Check who has entered and left which segment, when, why, and how often before."""
    found = sorted(_change_of(record) for record in records(outcome, "segments"))
    assert found == sorted((*one[:-1], _version(one)) for one in changes)


def _version(change: Change) -> str:
    segments = Config.model_validate(change.version.as_config()).segments
    return rule_version(segments[change.segment]) if change.segment in segments else "none"


def _change_of(record: dict[str, Any]) -> tuple[object, ...]:
    _, _, kind = record["type"].rpartition(".")
    data = record["data"]
    time = parse_time(record["time"])
    number = int(record["id"].rpartition("-")[2])
    about = record["subject"], data["segment"], kind, time, data["origin"], number
    return (*about, data["version"] or "none")


def assert_instances_match(messages: list[dict[str, Any]], decided: list[dict[str, Any]]) -> None:
    """Check that each instance has one decision, and each message the decision to send it.

    What is taken back was sent.
    """
    instances = [record["data"]["instance"] for record in decided]
    assert len(set(instances)) == len(instances)
    sent = {r["data"]["instance"] for r in decided if r["data"]["outcome"] == "sent"}
    by_type: dict[str, set[str]] = {"cartwheel.trigger.sent": set()}
    for record in messages:
        by_type.setdefault(record["type"], set()).add(record["data"]["instance"])
    assert by_type["cartwheel.trigger.sent"] == sent
    assert by_type.get("cartwheel.trigger.retracted", set()) <= sent


def records(outcome: Outcome, kind: str) -> list[dict[str, Any]]:
    """Read the outputs of a kind; no two may have the same id."""
    read = [json.loads(line) for line in outcome.lines.get(kind, [])]
    assert len({record["id"] for record in read}) == len(read)
    return read


def _session_id(customer: str, named: int) -> str:
    return make_id("session", "shop", customer, named)


def _without_ids(record: dict[str, Any]) -> str:
    """Write a record without what the oracle does not know."""
    data = {name: value for name, value in record["data"].items() if name != "instance"}
    assert len(data) == len(record["data"]) - 1
    return _as_text({**record, "data": data})


def _as_text(record: dict[str, Any]) -> str:
    assert record["specversion"] == "1.0"
    assert record["datacontenttype"] == "application/json"
    assert record["source"] == "cartwheel/shop"
    return canonical([record["type"], record["subject"], record["time"], record["data"]])


def _versions(rules: Rules) -> dict[str, str]:
    triggers = Config.model_validate(rules.as_config()).triggers
    return {name: rule_version(trigger) for name, trigger in triggers.items()}


def assert_stops_change_nothing(
    *,
    inputs: list[list[bytes]],
    rules: Rules,
    sizes: list[int],
    order: list[int],
    stops: list[bool],
    shards: int,
    records: int,
    timers: int,
    close: bool,
) -> None:
    """Check that a run that is stopped and goes on is the same as one that never was.

    Args:
        inputs: the lines of each reader.
        rules: what runs.
        sizes: of the ticks.
        order: whose turn it is.
        stops: after which ticks it stops.
        shards: how many.
        records: how many a shard keeps in memory.
        timers: likewise.
        close: whether the clock moves past every timer at the end.
    """
    first, *others = [renamed(lines, f"{n}-") for n, lines in enumerate(inputs)]
    options = {"more": others, "shards": shards, "cache": records, "close": close}
    order = [reader % len(inputs) for reader in order]
    with few_timers(timers):
        never = simulation(first, rules, **options)
        never.run(cycle(sizes), turns(never, order))
        again = with_stops(simulation(first, rules, **options), sizes, stops, order)
    assert again.outcome.lines == never.outcome.lines
    assert again.outcome.counts == never.outcome.counts
    assert again.snapshot() == never.snapshot()
