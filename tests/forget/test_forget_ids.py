"""What stands under anonymous ids that are linked to a customer goes with the customer."""

import json
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from forget_shop import EVENTS, MARKER, WHO, event, forget, found, lines, write_events, write_shop
from replaying import NOW

IDS = [f"{MARKER}-device-{number}" for number in range(8)]
NEEDLES = [WHO.encode(), MARKER.encode()]
FORGET: dict[str, Any] = {
    "type": "cartwheel.forget",
    "userId": WHO,
    "timestamp": "2026-01-01T10:59:00.000Z",
}
IDENTITY = "identity: {}\nprivacy: {forget_events: true}\n"


def anonymous(minute: int, name: str, **more: Any) -> dict[str, Any]:
    mark = f"{MARKER}-{name}" if MARKER in name else name
    about = event(minute, mark, **more)
    del about["userId"]
    place = {"product_id": f"{mark}-p", "place": f"{mark} street"}
    return {**about, "anonymousId": name, "properties": place}


def linking(minute: int, name: str, customer: str = WHO) -> dict[str, Any]:
    at = f"2026-01-01T10:{minute:02d}:00.000Z"
    return {"type": "identify", "anonymousId": name, "userId": customer, "timestamp": at}


DEVICES = [
    *(anonymous(24, name) for name in IDS),
    *(linking(25, name) for name in IDS[:-1]),
    linking(25, "bert's", "bert"),
    linking(26, IDS[0], "cleo"),  # it was anna's, and is somebody else's now
    anonymous(27, IDS[1]),
    event(28, "dora"),
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shop, which is the current one; its file of customers has her no more."""
    folder = write_shop(tmp_path / "shop", more=IDENTITY)
    people = (folder / "customers.csv").read_text().splitlines(keepends=True)
    (folder / "customers.csv").write_text("".join(each for each in people if WHO not in each))
    write_events(folder / "events.jsonl", [*EVENTS, *DEVICES])
    monkeypatch.chdir(folder)
    return folder


def replay(*more: str, events: str = "events.jsonl") -> None:
    words = ["--events", events, "--out", "out", "--state", "state", "--shards", "5"]
    assert main(["replay", "shop.yaml", *words, "--now", NOW, *more]) == 0


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("option", [[], ["--suppress"]])
def test_the_command_leaves_nothing_of_linked_ids_in_any_shard(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    replay()
    capsys.readouterr()
    assert main(["state", "export", WHO, "--state", "state"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert exported["ids"]["linked"] == IDS[1:-1]
    assert forget("--json", *option) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["removed"]["ids"] == 1 + len(IDS[1:-1])
    left = found(Path("state"), [WHO.encode(), *(each.encode() for each in IDS[1:-1])])
    assert left == {}
    told = [each["subject"] for each in lines(Path("out/customers.jsonl"))]
    assert told == [WHO, *IDS[1:-1]]
    assert main(["state", "export", "bert", "--state", "state"]) == 0
    assert json.loads(capsys.readouterr().out)["ids"]["linked"] == ["bert's"]
    assert forget(customer=IDS[0]) == 0  # this one is cleo's by now
    assert forget(customer=IDS[-1]) == 0  # whose nobody knows
    assert forget(customer="cleo") == 0
    assert found(Path("state"), NEEDLES) == {}


@pytest.mark.usefixtures("shop")
def test_the_command_leaves_a_linked_id_that_turned_out_to_be_a_customer(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = event(29, "carl")
    write_events(shop / "events.jsonl", [*EVENTS, linking(25, "carl"), own])
    replay()
    assert forget("--suppress") == 0
    assert [each["subject"] for each in lines(Path("out/customers.jsonl"))] == [WHO]
    assert found(Path("state"), NEEDLES) == {}
    capsys.readouterr()
    assert main(["state", "export", "carl", "--state", "state"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert exported["first_seen"] == own["timestamp"]
    assert exported["ids"]["belongs_to"] is None
    assert forget(customer="carl") == 0  # links and all


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("workers", "suppress"), [("1", False), ("2", True)])
def test_an_event_leaves_nothing_of_linked_ids_in_any_shard(
    workers: str,
    suppress: bool,  # noqa: FBT001 (a case)
) -> None:
    said = {**FORGET, "suppress": suppress}
    ids = [{**FORGET, "userId": None, "anonymousId": each} for each in (IDS[0], IDS[-1])]
    more = [said, *ids, {**FORGET, "userId": "cleo"}]
    if suppress:
        more += [anonymous(58, IDS[1]), linking(58, IDS[2]), event(58, WHO)]
    write_events(Path("events.jsonl"), [*EVENTS, *DEVICES, *more, event(59, "dora")])
    replay("--workers", workers, "--tick", "3")
    assert found(Path("state"), NEEDLES) == {}
    told = sorted(each["subject"] for each in lines(Path("out/customers.jsonl")))
    assert told == sorted([WHO, "cleo", *IDS])
    noted = lines(Path("state/audit.jsonl"))
    assert len([each for each in noted if each["action"] == "forget"]) == len(told)
    assert json.loads(Path("out/summary.json").read_text())["forgotten"] == len(more[:4])
