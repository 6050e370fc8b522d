"""Events that let customers be forgotten, and consent: killed anywhere, it ends the same."""

import json
import re
from pathlib import Path

import pytest

from replaying import CONFIG, PROJECT, Replay, model_records, outputs, records, simulate, summary
from state.prefixes import Prefix

EVENTS = 4_000
ONE_IN = 200
MODELS = """
models:
  intent: {kind: logistic_regression, predicts: Order Completed, within: session, from: [views_1h]}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config and events, some of which let their customer be forgotten."""
    folder = tmp_path_factory.mktemp("forgetting")
    (folder / "shop.yaml").write_text(f"{CONFIG}{MODELS}privacy: {{forget_events: true}}\n")
    simulate(folder / "plain.jsonl", events=EVENTS, users=300)
    lines = (folder / "plain.jsonl").read_text().splitlines()
    with (folder / "events.jsonl").open("w") as file:
        for number, line in enumerate(lines):
            print(line, file=file)
            if number % ONE_IN == 0:
                event = json.loads(line)
                about = {each: event[each] for each in ("timestamp", "userId") if each in event}
                about["userId"] = event.get("userId") or event["anonymousId"]
                forget = {"type": "cartwheel.forget", "suppress": number % (3 * ONE_IN) == 0}
                print(json.dumps({**about, **forget}), file=file)
    return folder


@pytest.fixture(scope="module")
def undisturbed(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    replay = replay_of(shop, tmp_path_factory.mktemp("undisturbed"))
    replay.done()
    return replay


def replay_of(shop: Path, folder: Path, workers: int = 1) -> Replay:
    words = ["--tick", "50", "--workers", str(workers), "--shards", "4"]
    return Replay(folder, [shop / "events.jsonl"], words, config=shop / "shop.yaml")


def hashes(entries: dict[bytes, bytes]) -> tuple[dict[bytes, bytes], int]:
    """Tell those who are kept out, whose hashes are each state's own, from all else."""
    own = [key for key in entries if key[0] == Prefix.SUPPRESSED]
    return {key: value for key, value in entries.items() if key not in own}, len(own)


@pytest.mark.parametrize(
    ("point", "count", "workers"),
    [
        ("between-write-and-checkpoint", 3, 1),
        ("while-moving", 2, 1),
        ("between-checkpoint-and-commit", 3, 2),
        ("after-commit", 6, 1),
    ],
)
def test_a_worker_may_die_while_somebody_is_forgotten(
    point: str, count: int, workers: int, shop: Path, undisturbed: Replay, tmp_path: Path
) -> None:
    replay = replay_of(shop, tmp_path / "replay", workers)
    struck = tmp_path / "struck"
    replay.done(CARTWHEEL_KILL_AT=f"{point}:{count}:{struck}")
    assert struck.exists()
    assert outputs(replay.out) == outputs(undisturbed.out)
    assert summary(replay.out) == summary(undisturbed.out)
    for ours, theirs in zip(records(undisturbed.state), records(replay.state), strict=True):
        assert hashes(theirs) == hashes(ours)
    assert model_records(replay.state) == model_records(undisturbed.state)
    told = outputs(replay.out)["customers.jsonl"].count(b"\n")
    assert told > 10
    audit = (replay.state / "audit.jsonl").read_text()
    assert len(re.findall('"action":"forget"', audit)) == told


def test_consent_is_kept_to_byte_by_byte_where_a_worker_is_killed(tmp_path: Path) -> None:
    simulate(tmp_path / "plain.jsonl", events=EVENTS, users=300)
    said = [{"Functional": True, "Advertising": True, "Analytics": True}, {"Functional": False}]
    with (tmp_path / "events.jsonl").open("w") as file:
        for number, line in enumerate((tmp_path / "plain.jsonl").read_text().splitlines()):
            event = json.loads(line)
            if number % 3 == 0:
                preferences = {"categoryPreferences": said[number % 7 == 0]}
                event.setdefault("context", {})["consent"] = preferences
            print(json.dumps(event), file=file)
    config = PROJECT / "examples/shop/consent.yaml"
    some = [tmp_path / "events.jsonl"]
    words = ["--tick", "50", "--shards", "4"]
    one = Replay(tmp_path / "one", some, words, config=config)
    one.done()
    assert b'"reason":"consent"' in outputs(one.out)["decisions.jsonl"]
    other = Replay(tmp_path / "other", some, [*words, "--workers", "2"], config=config)
    with other.started() as running:
        for part in (4, 2):
            assert running.wait_for_output(sum(map(len, outputs(one.out).values())) // part)
            running.kill(running.workers()[0])
        assert running.wait().exit_code == 0
    assert outputs(other.out) == outputs(one.out)
    assert summary(other.out) == summary(one.out)
    assert records(other.state) == records(one.state)
    assert model_records(other.state) == model_records(one.state)
