"""`cartwheel state forget`: nothing of the customer is left in the state, all of others."""

import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cartwheel.app import main
from connectors.kafka.client_settings import KafkaSettings
from connectors.kafka.outbox import Outbox, OutboxRecord
from connectors.kafka.plans import TopicsOut
from connectors.tick_parts import SinkState
from flows import recovery
from flows.export import last_job
from forget_shop import (
    CONFIG,
    EVENTS,
    MARKER,
    NEEDLES,
    WHO,
    forget,
    found,
    in_a_process,
    lines,
    replay,
    write_shop,
)
from replaying import records
from state.folder import StateFolder

FORGET = ["state", "forget", WHO, "--state", "state"]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that has read its events; much of anna waits."""
    folder = write_shop(tmp_path_factory.mktemp("shop") / "shop")
    with chdir(folder):
        assert replay() == 0
    return folder


@pytest.fixture
def shop(replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """A copy of it, which is the current folder."""
    folder = tmp_path / "shop"
    shutil.copytree(replayed, folder)
    capsys.readouterr()
    with chdir(folder):
        yield folder


def exported(customer: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """What is known of a customer, None where that is nothing."""
    capsys.readouterr()
    code = main(["state", "export", customer, "--state", "state"])
    out = capsys.readouterr().out
    return json.loads(out) if code == 0 else None


def test_no_byte_of_the_customer_is_left_in_the_state(shop: Path) -> None:
    before = found(shop / "state", NEEDLES)
    kinds = {Path(name).parts[0].partition("-")[0] for name in before}
    assert {"shard", "model", "attributes"} <= kinds  # or the search would show nothing
    assert any("MANIFEST" in name for name in before)
    for name in before:  # what a run that was killed may leave
        if "shard" in name and not (shop / "state" / name).parent.with_name("live-0dd").exists():
            folder = (shop / "state" / name).parent
            for left in ("live-0dd", "v000099-0dd", "v000098-0dd.tmp"):
                shutil.copytree(folder, folder.with_name(left))
    assert any("live-0dd" in name for name in found(shop / "state", NEEDLES))
    assert forget() == 0
    assert found(shop / "state", NEEDLES) == {}


@pytest.mark.usefixtures("shop")
def test_the_receipt_says_what_was_removed_and_of_nobody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = exported(WHO, capsys)
    assert forget("--json") == 0
    text = capsys.readouterr().out
    assert not any(needle in text.encode() for needle in NEEDLES)
    receipt = json.loads(text)
    assert len(receipt["customer"]) == 32
    assert receipt["config"] == "shop"
    assert receipt["suppressed"] is False
    removed = receipt["removed"]
    assert removed["profile"] == removed["rules_record"] == removed["attributes"] == 1
    assert removed["pending_instances"] == len(known["pending"]) == 4
    assert removed["message_ids"] == 5
    assert removed["decisions"] == len(known["decisions"])
    assert removed["features"] == 4
    assert removed["memberships"] == 1
    assert removed["model_scores"] == 1
    assert removed["timers"] >= 2
    assert exported(WHO, capsys) is None


@pytest.mark.usefixtures("shop")
def test_the_table_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert forget() == 0
    rows = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line)
    assert rows[" pending instances"] == "4"
    assert WHO not in str(rows)


def test_all_that_is_kept_of_others_stays_byte_by_byte(shop: Path) -> None:
    """Decoded, too: what stays is what was there, but for the one customer."""
    before = records(shop / "state")
    assert forget() == 0
    after = records(shop / "state")
    name = WHO.encode()
    digest = NEEDLES[-1]
    for ours, theirs in zip(before, after, strict=True):
        left = {key: each for key, each in ours.items() if digest not in key and name not in key}
        assert theirs == left
    assert sum(map(len, after)) < sum(map(len, before))


def test_consumers_are_told_once_and_the_state_goes_on_from_there(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in (shop / "out").iterdir()}
    assert forget() == 0
    [told] = lines(shop / "out/customers.jsonl")
    assert told["type"] == "cartwheel.customer.deleted"
    assert told["subject"] == WHO
    assert told["data"] == {"suppressed": False}
    capsys.readouterr()
    assert replay() == 0  # the state is finished: nothing is added, and nothing cut off
    assert [told] == lines(shop / "out/customers.jsonl")
    summary = json.loads(capsys.readouterr().out)
    assert summary["segments"] == {"lookers": 1, "gold": 1}  # bert alone
    del before[".cartwheel"], before["summary.json"]
    after = {name: (shop / "out" / name).read_bytes() for name in before}
    assert after == before


def test_once_more_is_no_mistake(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        capsys.readouterr()
        assert forget("--json") == 0
    assert json.loads(capsys.readouterr().out)["removed"] == {}
    assert forget("--json", customer="nobody") == 0
    assert len(lines(shop / "out/customers.jsonl")) == 3
    assert found(shop / "state", NEEDLES) == {}


def test_what_waits_to_be_sent_goes_too(shop: Path) -> None:
    """The outbox of a state whose results go to topics, and whose broker was away."""
    state = StateFolder(shop / "state")
    fill_outbox(state)
    assert found(shop / "state/outbox", NEEDLES)
    assert forget() == 0
    assert found(shop / "state", NEEDLES) == {"outbox/000002": [WHO.encode()]}  # tells consumers
    left = list(Outbox(shop / "state/outbox").records(1))
    assert [(each.kind, each.subject) for each in left] == [
        ("triggers", "bert"),
        ("dead-letters", "events/0"),
        ("dead-letters", "events/0"),
        ("late", "bert"),
    ]
    told = list(Outbox(shop / "state/outbox").records(2))
    tombstones = ["sessions", "segments", "triggers", "decisions", "scores"]
    assert [each.kind for each in told] == ["customers", *tombstones]
    assert {each.key for each in told} == {WHO.encode()}
    assert [each.value for each in told] == [b'{"suppressed":false}', *[None] * 5]
    assert not (shop / "state/outbox.new").exists()


def fill_outbox(state: StateFolder) -> None:
    """Let a state have an outbox that is committed, and another that is not."""
    run = state.read_run()
    topics = TopicsOut(
        settings=KafkaSettings("nowhere:1", "kafka-python", None),
        prefix="shop.",
        delivery="exact",
        compression="none",
        create=True,
        partitions=1,
        state="x",
        outbox="state/outbox",
    )
    job = msgspec.structs.replace(last_job(state), sink=topics)
    state.write_run(msgspec.structs.replace(run, job=msgspec.Raw(msgspec.json.encode(job))))
    sink = msgspec.msgpack.decode(run.sink, type=SinkState)
    sink.outbox = 1
    recovery.replace(state.recovery, {("cartwheel.sinks", "files"): msgspec.msgpack.encode(sink)})
    outbox = Outbox(state.path / "outbox")
    anna, hers = WHO.encode(), f'{{"userId":"{WHO}","x":"{MARKER}"'.encode()
    others = b'{"userId":"bert"}'
    about = (("ce_subject", anna),)
    for record in (
        OutboxRecord("triggers", anna, MARKER.encode(), about, WHO),
        OutboxRecord("triggers", b"bert", b"{}", (), "bert"),
        OutboxRecord("dead-letters", None, hers + b"}", (), "events/0"),
        OutboxRecord("dead-letters", None, hers, (), "events/0"),
        OutboxRecord("dead-letters", anna, MARKER.encode(), (), "events/0"),
        OutboxRecord("dead-letters", None, others, (), "events/0"),
        OutboxRecord("dead-letters", None, None, (), "events/0"),
        OutboxRecord("late", b"a key", hers, (), WHO),
        OutboxRecord("late", b"a key", others, (), "bert"),
    ):
        outbox.add(1, record)
    outbox.finish(1)
    outbox.add(2, OutboxRecord("triggers", anna, MARKER.encode(), (), WHO))
    outbox.finish(2)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_killed_at_any_point_it_is_as_before_or_forgotten(
    shop: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Points 1 and 2 lie before and after what decides; whoever comes next finishes the work."""
    point = "before-forgetting:1" if count == 1 else f"while-forgetting:{count - 1}"
    before = exported(WHO, capsys)
    killed = in_a_process(FORGET, CARTWHEEL_KILL_AT=f"{point}:{shop / 'struck'}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (shop / "struck").exists()
    assert replay() == 0
    if count == 1:
        assert exported(WHO, capsys) == before
        assert lines(shop / "out/customers.jsonl") == []
    else:
        assert exported(WHO, capsys) is None
        assert found(shop / "state", NEEDLES) == {}
        assert len(lines(shop / "out/customers.jsonl")) == 1


def test_the_same_command_finishes_what_was_killed(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    point = f"while-forgetting:2:{shop / 'struck'}"
    assert in_a_process(FORGET, CARTWHEEL_KILL_AT=point).returncode == -signal.SIGKILL
    assert forget("--json") == 0
    assert json.loads(capsys.readouterr().out)["removed"]["pending_instances"] == 4
    assert found(shop / "state", NEEDLES) == {}
    assert len(lines(shop / "out/customers.jsonl")) == 1


def test_a_run_keeps_others_from_forgetting(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = found(shop / "state", NEEDLES)
    with StateFolder(shop / "state").lock():
        assert forget() == 1
    assert "is in use by another process" in capsys.readouterr().err
    assert found(shop / "state", NEEDLES) == before


def test_what_cannot_be_done_is_said_and_changes_nothing(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = found(shop / "state", NEEDLES)
    assert forget(customer="") == 2
    assert forget(state="nowhere") == 1
    assert "holds no state" in capsys.readouterr().err
    assert not (shop / "nowhere").exists()
    (shop / "out").rename(shop / "elsewhere")
    assert forget() == 1
    assert "go to the folder that the run was started in" in capsys.readouterr().err
    assert found(shop / "state", NEEDLES) == before
    assert not (shop / "out").exists()


def test_a_state_that_was_never_run_can_forget_ahead(tmp_path: Path) -> None:
    """Somebody who is to be kept out from the beginning."""
    with chdir(write_shop(tmp_path / "shop")):
        with StateFolder(Path("state")).lock():
            identity = StateFolder(Path("state")).create(
                name="shop", shards=3, readers=1, now_ms=1_770_000_000_000
            )
            recovery.create(Path("state/recovery"), identity.id)
        assert forget("--suppress") == 0
        assert replay() == 0
        assert found(Path("state"), [WHO.encode(), b"first"]) == {}
        applied = [each for each in EVENTS if each["userId"] != WHO]
        summary = json.loads(Path("out/summary.json").read_bytes())
        assert summary["applied"] == len(applied)
        assert summary["suppressed_customers"] == len(EVENTS) - len(applied)


def test_the_key_of_the_hashes_is_for_the_owner_alone(shop: Path) -> None:
    assert forget() == 0
    assert (shop / "state/privacy.key").stat().st_mode & 0o777 == 0o600


def test_a_compressed_state_is_left_without_the_customer_too(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    (folder / "shop.yaml").write_text(CONFIG.replace("compression: none", "compression: lz4"))
    with chdir(folder):
        assert replay() == 0
        assert forget() == 0
        assert found(folder / "state", NEEDLES) == {}
        for entries in records(folder / "state"):
            text = b"".join([*entries, *entries.values()])
            assert not any(needle in text for needle in NEEDLES)
