"""Whole runs of a shop that hides fields: nothing of them comes out or is kept."""

import json
import shutil
from collections import Counter
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from connectors.line_file import BEGINNING, LineFile, position_after
from flows.privacy import minimizer
from operators.heads import LineReader
from operators.lines import Lines
from operators.privacy_plan import PrivacyPlan
from privacy_shop import BAD, CONFIG, GOOD, MARKER, event, found, write_shop
from replaying import NOW, Replay
from state.keyed_hash import field_hash, read_key

NEEDLE = MARKER.encode()
OPTIONS = ["--shards", "3", "--now", NOW, "--json"]


def replay(*more: str, out: str = "out", state: str = "state") -> int:
    words = ["--events", "events.jsonl", "--out", out, "--state", state]
    return main(["replay", "shop.yaml", *words, *OPTIONS, *more])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def key(state: str = "state") -> bytes:
    found = read_key(Path(state))
    assert found
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that was replayed, to be looked at only."""
    folder = write_shop(tmp_path_factory.mktemp("done"), [*GOOD, *BAD])
    with chdir(folder):
        assert replay() == 0
    return folder


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(write_shop(tmp_path / "shop", [*GOOD, *BAD]))
    return tmp_path / "shop"


def test_the_marker_is_in_no_byte_of_what_comes_out_and_is_kept(
    shop: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert replay() == 0
    told = capfd.readouterr()
    summary = json.loads(told.out)
    assert MARKER not in told.out + told.err
    assert summary["dead_letters"] >= 10
    assert summary["late"] == 2
    assert summary["triggers"]["abandoned"] > 0
    for folder in ("out", "state"):
        assert found(shop / folder, NEEDLE) == []
    assert found(shop / "out", field_hash(key(), f"{MARKER}-anna").encode())
    kept = [each for each in found(shop / "state", b"m-anna-39") if "shard" in each]
    assert kept, "what is kept of the events can be searched"


def test_what_cannot_be_read_is_a_dead_letter_without_its_text(done: Path) -> None:
    out = done / "out"
    letters = {each["line"] - len(GOOD) - 1: each for each in lines(out / "dead-letters.jsonl")}
    whole = {number: each for number, each in letters.items() if each["field"] is None}
    assert set(whole) >= {0, 1, 2, 3, 4, 8, 13}
    for number, each in whole.items():
        assert each["original"] is None
        assert each["length"] == len(BAD[number])
        assert len(each["sha256"]) == 64
    assert len({each["sha256"] for each in whole.values()}) == len(whole)
    assert letters[8]["reason"] == "not readable as JSON where the config's privacy has to look"
    assert letters[9]["field"] == "userId"
    assert json.loads(letters[9]["original"])["traits"] == {}
    assert letters[7]["field"] == "properties.email"


def test_a_name_that_is_hashed_is_the_customer_everywhere(done: Path, shop: Path) -> None:
    """As without privacy, with other names."""
    (shop / "shop.yaml").write_text(CONFIG)
    assert replay() == 0
    for folder in ("out", "state"):
        assert found(shop / folder, NEEDLE), "or the search of the other test would show nothing"
    hashed = partial(field_hash, key(str(done / "state")))

    def told(folder: Path, kind: str) -> Counter[Any]:
        some = lines(folder / "out" / f"{kind}.jsonl")
        keys = ("trigger", "outcome", "reason", "start", "end", "events", "segment", "pages")
        return Counter(
            (each["subject"], each["time"], *(each["data"].get(key) for key in keys))
            for each in some
        )

    for kind in ("sessions", "decisions", "segments"):
        clear = told(shop, kind)
        renamed = Counter({(hashed(row[0]), *row[1:]): n for row, n in clear.items()})
        assert told(done, kind) == renamed
        assert clear


def test_a_state_has_a_key_of_its_own_unless_it_is_given_one(
    done: Path, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("state").mkdir()
    shutil.copy(done / "state/privacy.key", "state")
    assert replay() == 0
    assert replay(out="other", state="other-state") == 0
    assert key("other-state") != key()
    for name in ("triggers", "decisions", "sessions", "dead-letters", "late"):
        paths = [folder / f"{name}.jsonl" for folder in (done / "out", Path("out"), Path("other"))]
        first, second, other = (path.read_bytes() for path in paths)
        assert first == second
        assert first != other
    (shop / "state/privacy.key").unlink()
    capsys.readouterr()
    assert replay() == 1
    assert "has lost the key to what is hashed" in capsys.readouterr().err


def test_killed_and_gone_on_it_is_the_same(tmp_path: Path) -> None:
    """Positions count the bytes of the file, not those that are left of them."""
    many = [event(minute, who) for minute in range(600) for who in ("anna", "bert", "cleo")]
    folder = write_shop(tmp_path, many[:800] + BAD[:-1] + many[800:])
    config = folder / "shop.yaml"
    config.write_text(config.read_text() + "epoch: {every: 300ms}\n")
    events = [folder / "events.jsonl"]
    whole = Replay(tmp_path / "whole", events, ["--shards", "3"], config=config)
    whole.done()
    killed = Replay(tmp_path / "killed", events, ["--shards", "3"], config=config)
    killed.state.mkdir(parents=True)
    shutil.copy(whole.state / "privacy.key", killed.state)
    killed.done(CARTWHEEL_KILL_AT=f"between-checkpoint-and-commit:2:{tmp_path}/struck")
    assert (tmp_path / "struck").exists()
    for path in sorted(whole.out.glob("*.jsonl")):
        assert (killed.out / path.name).read_bytes() == path.read_bytes()
    assert found(killed.state, NEEDLE) == []


def test_reading_can_go_on_after_any_line(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [*GOOD[:20], *BAD, *GOOD[20:30]]) / "events.jsonl"
    plan = PrivacyPlan(drop=(("traits",), ("context",)), hash=(("userId",),))
    reader = LineReader(0, 1 << 50, minimizer=minimizer(plan, bytes(32)))

    def read(position: Any, block_bytes: int = 1 << 18) -> list[Lines]:
        file = LineFile(str(path), 0, reader, position=position, block_bytes=block_bytes)
        found: list[Lines] = []
        while (lines := file.read()) is not None:
            found += [lines.slice(i, i + 1) for i in range(len(lines))]
        file.close()
        return found

    every = read(BEGINNING)
    assert [int(each.places[2, 0]) for each in every] == _offsets(path)
    for number in range(0, len(every), 5):
        rest = read(position_after(every[number], 0), block_bytes=1 << 12)
        assert [_all_of(each) for each in rest] == [_all_of(each) for each in every[number + 1 :]]


def _offsets(path: Path) -> list[int]:
    offsets = [0]
    for line in path.read_bytes().splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    return offsets[:-1]


def _all_of(lines: Lines) -> tuple[Any, ...]:
    return (lines.raw, lines.customers, lines.times.tolist(), lines.rejected, lines.length(0))


def test_both_sides_of_a_comparison_hash_alike(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "new.yaml").write_text((shop / "shop.yaml").read_text())
    assert main(["diff", "shop.yaml", "new.yaml", "--events", "events.jsonl", "--json"]) == 0
    [trigger] = json.loads(capsys.readouterr().out)["triggers"].values()
    assert trigger["old"] == trigger["new"]
    assert trigger["old"]["sent"] > 0
    assert trigger["customers"] == 0


def test_models_are_trained_with_the_key_of_the_state_that_they_are_for(shop: Path) -> None:
    words = ["--events", "events.jsonl", "--state", "state", "--now", NOW, "--close"]
    assert main(["models", "train", "shop.yaml", *words]) == 0
    category = field_hash(key(), f"anna@{MARKER}.example")
    assert found(shop / "state", category.encode())
    assert found(shop / "state", NEEDLE) == []


def test_scenarios_call_customers_by_their_names(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "scenarios.yaml").write_text("""
start: 2026-03-02T10:00:00Z
scenarios:
  - name: fields are hidden, customers are not
    events:
      - {at: 10:00, customer: ann, event: Product Viewed, properties: {comment: "is 0170 1234567"}}
      - {at: 10:01, customer: ann, event: Product Viewed}
    expect:
      - {at: 10:02, customer: ann, segment: lookers, in: true}
      - {at: 10:31, customer: ann, trigger: abandoned, step: 1, payload: {said: ["is [phone]"]}}
""")
    exit_code = main(["test", "shop.yaml", "scenarios.yaml"])
    assert exit_code == 0, capsys.readouterr()
