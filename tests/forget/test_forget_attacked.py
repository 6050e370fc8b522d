"""Forgetting where something goes wrong at every step, and of customers with ids that mean harm."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from cartwheel.app import main
from forget_shop import (
    CONFIG,
    EVENTS,
    MARKER,
    NEEDLES,
    WHO,
    event,
    forget,
    found,
    lines,
    replay,
    write_events,
    write_shop,
)

MORE_MODELS = """models:
  tiers: {kind: rfm, from: {recency: last_seen, frequency: orders, monetary: views_1h}}
  tree:
    kind: tree.HoeffdingTreeClassifier
    predicts: Order Completed
    within: session
    at: [Product Viewed]
    from: [views_1h]
"""
ASKS = """
consent: {default: allow, regions: {DE: allow}, region: context.region}
purposes: {triggers: {abandoned: Reminders}}
quiet_hours: {from: "00:00", to: "23:00", then: hold}
"""
OPERATIONS = ("replace", "unlink", "rmdir", "fsync", "mkdir", "rename")
SHARES = (0.3, 0.6, 0.85, 0.97)
ODD_IDS = ["ann", "anna", "../../x", "a\nb", "a\0b", "\x1b[31m", "caf\u00e9", "cafe\u0301"]


class Killed(BaseException):
    """Nobody catches it."""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with models of all kinds, messages that are held, consent, and late events."""
    folder = write_shop(tmp_path_factory.mktemp("attacked") / "shop")
    config = CONFIG.replace("models:\n", MORE_MODELS).replace("grace: 0s", "grace: 20m")
    features = "features:\n  last_seen: {time: any}\n  orders: {count: Order Completed}\n"
    (folder / "shop.yaml").write_text(config.replace("features:\n", features) + ASKS)
    said: dict[str, Any] = {"consent": {"categoryPreferences": {"Reminders": True}}}
    mine = {"region": f"{MARKER}-land", **said}
    events = [
        {**each, "context": {**each["context"], **(mine if each["userId"] == WHO else said)}}
        for each in EVENTS
    ]
    late = {**event(4, WHO), "messageId": f"{MARKER}-late"}
    write_events(folder / "events.jsonl", [*events, late])
    with chdir(folder):
        assert replay() == 0
    return folder


@pytest.fixture
def shop(replayed: Path, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """A function that makes a fresh copy, which is the current folder."""
    with chdir(tmp_path):

        def fresh() -> None:
            os.chdir(tmp_path)
            shutil.rmtree("shop", ignore_errors=True)
            shutil.copytree(replayed, "shop")
            os.chdir("shop")

        yield fresh


def failing(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> list[str]:
    """Let the operation with some number on files fail; return the list of what was done."""
    done: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def operation(*words: Any, **more: Any) -> Any:
            done.append(name)
            if len(done) == at:
                raise error
            return real(*words, **more)

        return operation

    for name in OPERATIONS:
        monkeypatch.setattr(os, name, counted(name))
    return done


def test_stopped_at_any_operation_it_is_as_before_or_goes_on(
    shop: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    shop()
    with pytest.MonkeyPatch.context() as patch:
        done = failing(patch, -1, Killed())
        assert forget() == 0
    assert found(Path("state"), NEEDLES) == {}
    points = [int(len(done) * share) for share in SHARES]
    assert len(set(points)) == len(SHARES)
    for point in points:
        for error in (Killed(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")):
            shop()
            capsys.readouterr()
            with pytest.MonkeyPatch.context() as patch:
                failing(patch, point, error)
                try:
                    code = forget()
                except Killed:
                    code = -1
            err = capsys.readouterr().err
            assert code in ({-1} if isinstance(error, Killed) else {0, 1}), (point, err)
            assert code != 1 or "No space left" in err
            assert forget("--json") == 0
            assert found(Path("state"), NEEDLES) == {}, point
            told = lines(Path("out/customers.jsonl"))
            assert {each["subject"] for each in told} == {WHO}
            assert len(told) == len(lines(Path("state/audit.jsonl"))) in {1, 2}
            assert main(["state", "info", "state", "--json"]) == 0


def test_of_ids_that_are_alike_or_look_like_paths_only_the_one_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shop(tmp_path / "room/shop")
    before = {path.name for path in (tmp_path / "room").iterdir()}
    with chdir(tmp_path / "room/shop"):
        events = [event(n, each) for n, each in enumerate(ODD_IDS)]
        write_events(Path("events.jsonl"), events)
        assert replay() == 0
        left = list(ODD_IDS)
        for customer in ["anna", "../../x", "a\0b", "cafe\u0301", "a\nb"]:
            assert forget(customer=customer) == 0
            left.remove(customer)
        assert known(capsys) == left
        told = [each["subject"] for each in lines(Path("out/customers.jsonl"))]
        assert told == ["anna", "../../x", "a\0b", "cafe\u0301", "a\nb"]
    assert {path.name for path in (tmp_path / "room").iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"room"}


def known(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Give those of whom anything is known, as `state export` names them."""
    told = []
    for customer in ODD_IDS:
        capsys.readouterr()
        if main(["state", "export", customer, "--state", "state"]) == 0:
            told.append(json.loads(capsys.readouterr().out)["customer"])
    return told
