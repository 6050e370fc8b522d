"""A run's results as others see them on a real broker: consumer, schemas, dead letters, mapping."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from broker.topics import Kafka
from cartwheel.app import main
from kafka_running import KafkaRun, as_json, end_offsets, produce, read_topic
from oracle import Rules
from replaying import PROJECT

SCRIPT = PROJECT / "examples" / "consumer" / "consumer.py"
WITHIN_S = 60.0
START_MS = 1_704_103_200_000  # 2024-01-01T10:00:00Z
HOUR_MS = 3_600_000
CUSTOMERS = 40
RULES = Rules(
    collect={"adds": {"count": "Product Added"}},
    triggers={"left": {"on": "Product Added", "after_ms": HOUR_MS // 2}},
)
MAPPING = """\
format: jsonl
customer: user
time: {column: at, format: epoch_ms}
event: {column: kind, names: {add: Product Added}, others: reject}
"""
MENDED = MAPPING.replace("names: {", "names: {wish: Wished, ").replace("reject", "skip")
Row = tuple[bytes | None, bytes | None]


def row(user: str, kind: str, at: int) -> Row:
    return user.encode(), json.dumps({"user": user, "kind": kind, "at": at}).encode()


@pytest.fixture(scope="module")
def run(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> KafkaRun:
    """A run of mapped records that has read adds, wishes that its mapping does not know, others.

    The wishes carry the latest time of all, so that they are not late when they come again.
    """
    folder = tmp_path_factory.mktemp("run")
    topic = kafka.topic("rows", 2)
    (folder / "map.yaml").write_text(MAPPING)
    source = {"map": str(folder / "map.yaml"), "readers": 1}
    run = KafkaRun(folder, kafka.bootstrap, topic, RULES, source=source)
    adds = [row(f"u{number}", "add", START_MS + number) for number in range(CUSTOMERS)]
    produce(kafka.bootstrap, topic, *adds, (b"gone", None), (b"\xff", b"{"))
    for partition in (0, 1):
        later = START_MS + HOUR_MS
        marker, wish = row(f"m{partition}", "add", later), row(f"w{partition}", "wish", later)
        own = [("trace", b"\xff\0"), ("trace", b"2")]
        produce(kafka.bootstrap, topic, marker, partition=partition)
        produce(kafka.bootstrap, topic, wish, partition=partition, headers=own)
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    return run


def listed(run: KafkaRun, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """Return what the command says of dead letters."""
    assert main(["dead-letters", str(run.config()), "--json", *options]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def schemas_of(run: KafkaRun, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["schemas", str(run.config())]) == 0
    schemas: dict[str, Any] = json.loads(capsys.readouterr().out)["record"]
    return schemas


@pytest.mark.parametrize("kind", ["sessions", "triggers", "decisions"])
def test_the_values_of_records_fit_their_schemas(
    run: KafkaRun, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    check = Draft202012Validator(schemas_of(run, capsys)[kind])
    results = run.results(kind)
    assert len(results) == CUSTOMERS
    for record in results:
        check.validate(as_json(record))


def test_the_headers_of_dead_letters_fit_their_schema(
    run: KafkaRun, capsys: pytest.CaptureFixture[str]
) -> None:
    check = Draft202012Validator(schemas_of(run, capsys)["dead-letters"])
    letters = run.results("dead-letters")
    assert len(letters) == 4
    for record in letters:
        check.validate({name: value.decode("latin-1") for name, value in record.headers})


def test_dead_letters_are_listed_by_reason_and_found_by_reason_stage_and_place(
    run: KafkaRun, capsys: pytest.CaptureFixture[str]
) -> None:
    told = listed(run, capsys)
    assert (told["dead_letters"], told["all"]) == (4, True)
    assert [(each["stage"], each["reason"], each["count"]) for each in told["reasons"]] == [
        ("map", "kind: found a text of 4 characters, expected one of add", 2),
        ("map", "not JSON: Input data was truncated", 1),
        ("route", "a tombstone: the record has no value", 1),
    ]
    places = {each["example"] for each in told["reasons"]}
    assert all(place.startswith(f"{run.topic}/") for place in places)
    assert listed(run, capsys, "--stage", "route")["dead_letters"] == 1
    assert listed(run, capsys, "--reason", "not JSON")["dead_letters"] == 1
    broken = told["reasons"][1]
    assert listed(run, capsys, "--at", broken["example"])["reasons"] == [broken]
    few = listed(run, capsys, "--limit", "3")
    assert (few["dead_letters"], few["all"]) == (3, False)


def test_chosen_dead_letters_go_back_as_they_came_and_are_applied_when_the_mapping_is_mended(
    run: KafkaRun, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_topic(run.bootstrap, run.topic)
    would = listed(run, capsys, "--resend", "--reason", "expected one of add", "--dry-run")
    assert (would["would_send"], would["sent"]) == (2, 0)
    assert read_topic(run.bootstrap, run.topic) == before

    # As `fast` may do after a crash: the same dead letter twice.
    again = next(each for each in run.results("dead-letters") if b"wish" in (each.value or b""))
    produce(
        run.bootstrap, f"{run.prefix}dead-letters", (again.key, again.value), headers=again.headers
    )
    assert len(run.results("dead-letters")) == 5
    sent = listed(run, capsys, "--resend", "--reason", "expected one of add")
    assert (sent["sent"], sent["left_out"], sent["to"]) == (2, {}, f"the topic {run.topic}")
    new = [record for record in read_topic(run.bootstrap, run.topic) if record not in before]
    wishes = [record for record in before if b"wish" in (record.value or b"")]
    assert [(each.partition, each.key, each.value) for each in new] == [
        (each.partition, each.key, each.value) for each in wishes
    ]
    for old, record in zip(wishes, new, strict=True):
        position = f"{run.topic}/{old.partition}/{old.offset}".encode()
        assert record.headers == (*old.headers, ("cartwheel-resent", position))

    (run.folder / "map.yaml").write_text(MENDED)
    noise = [row("n", "noise", START_MS + HOUR_MS)] * 5
    produce(run.bootstrap, run.topic, *noise)
    with run.started() as running:
        running.wait_for_all_read()
        assert running.stop() == 0
    counts = run.counts
    read = sum(end_offsets(run.bootstrap, run.topic).values()) - len(noise)
    assert counts["read"] == read
    assert counts["dead_letters"] == 4
    assert counts["applied"] == CUSTOMERS + 2 + 2
    accounted = ("applied", "duplicates", "late", "dead_letters")
    assert counts["read"] == sum(counts.get(name, 0) for name in accounted)


@contextmanager
def consuming(run: KafkaRun, out: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the example consumer; at the end it is gone."""
    topics = [run.prefix + kind for kind in ("sessions", "triggers")]
    command = [sys.executable, str(SCRIPT), "--brokers", run.bootstrap, "--group", run.topic]
    with out.open("ab") as stdout, out.with_suffix(".err").open("ab") as stderr:
        process = subprocess.Popen([*command, *topics], stdout=stdout, stderr=stderr)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_lines(out: Path, count: int) -> list[str]:
    deadline = time.monotonic() + WITHIN_S
    while len(lines := out.read_text().splitlines()) < count:
        assert time.monotonic() < deadline, f"{len(lines)} of {count}: {out.read_text()[-500:]}"
        time.sleep(0.02)
    return lines


def test_the_example_consumer_handles_everything_drops_repeats_and_passes_over_what_is_malformed(
    run: KafkaRun, tmp_path: Path
) -> None:
    results = [*run.results("sessions"), *run.results("triggers")]
    expected = {record.header("ce_id") for record in results}
    for record in run.results("triggers")[:10]:  # as `fast` may do after a crash
        produce(
            run.bootstrap,
            f"{run.prefix}triggers",
            (record.key, record.value),
            partition=record.partition,
            headers=record.headers,
        )
    produce(run.bootstrap, f"{run.prefix}triggers", (b"k", b"{}"), partition=0)
    out = tmp_path / "handled"
    out.touch()
    with consuming(run, out) as process:
        wait_for_lines(out, len(expected))
        time.sleep(1)  # were repeats handled, they would come now
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
    handled = [json.loads(line) for line in out.read_text().splitlines()]
    assert Counter(each["id"] for each in handled) == Counter(expected)
    by_id = {record.header("ce_id"): record for record in results}
    for each in handled:
        record = by_id[each["id"]]
        assert (each["customer"].encode(), each["data"]) == (record.key, as_json(record))
    [told] = out.with_suffix(".err").read_text().splitlines()
    assert "passed over" in told
    # What was committed does not come again.
    with consuming(run, out) as process:
        produce(run.bootstrap, f"{run.prefix}triggers", (b"k", b"none"), partition=0)
        deadline = time.monotonic() + WITHIN_S
        while out.with_suffix(".err").read_text().count("passed over") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert len(out.read_text().splitlines()) == len(expected)


# The script's parts, without a broker


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_consumer", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_consumer_commits_nothing_that_was_not_handled(script: ModuleType) -> None:
    headers = [(f"ce_{name}", name.encode()) for name in ("id", "type", "subject", "time")]
    record = SimpleNamespace(headers=headers, value=b"{}", topic="t", partition=0, offset=1)
    commits: list[int] = []
    consumer = SimpleNamespace(
        poll=lambda **_: {"t": [record]}, commit=lambda: commits.append(len(seen._ids))
    )
    seen = script.Seen()
    handle = script.handle

    def fail(_event: object) -> None:
        raise OSError("the mail server is away")

    script.handle = fail
    try:
        with pytest.raises(OSError, match="away"):
            script.consume(consumer, seen, [])
    finally:
        script.handle = handle
    assert commits == []
    assert "id" not in seen


def test_the_ids_that_the_consumer_remembers_are_bounded(script: ModuleType) -> None:
    seen = script.Seen(most=3)
    for event_id in "abcd":
        seen.add(event_id)
    assert [event_id in seen for event_id in "abcd"] == [False, True, True, True]
