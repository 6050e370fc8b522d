"""`cartwheel models train`: what it says, what it refuses, and what a run then begins with."""

import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cartwheel.app import main
from operators.models.stamps import seal
from state.folder import StateFolder

CONFIG = """
name: shop
time: {disorder: 0s}
epoch: {every: 300ms}
session: {gap: 30m}
features:
  views: {count: Product Viewed}
models:
  intent:
    kind: logistic_regression
    predicts: Order Completed
    within: session
    at: [Product Viewed]
    from: [views]
  usual: {kind: baseline, predicts: Order Completed, within: session, at: [Product Viewed]}
  spend: {kind: baseline, predicts: {sum: properties.revenue, of: Order Completed}, within: 30d}
segments:
  keen: score.intent > score.usual
"""
CUSTOMERS, BUYERS = 12, 4
NOTHING = "nothing was learned by model spend"


def events() -> Iterator[dict[str, Any]]:
    """One customer an hour: a view, and every third orders."""
    for number in range(CUSTOMERS):
        for minute, name in ((0, "Product Viewed"), (1, "Order Completed")):
            if minute == 0 or number % 3 == 0:
                yield {
                    "type": "track",
                    "event": name,
                    "messageId": f"{number}-{minute}",
                    "userId": f"u{number}",
                    "timestamp": f"2026-01-01T{number:02d}:{minute:02d}:00Z",
                    "properties": {"revenue": 10} if minute else {},
                }


class Shop:
    """A folder with a config and events, and what commands have said there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.events = folder / "events.jsonl"
        self.events.write_text("".join(json.dumps(each) + "\n" for each in events()))
        self.write(CONFIG)

    def write(self, config: str) -> None:
        (self.folder / "shop.yaml").write_text(config)

    def does(self, action: str, *words: str, exit_code: int = 0) -> tuple[str, str]:
        """Run a command; return what it has printed on both streams."""
        command = [*action.split(), f"{self.folder}/shop.yaml", *words]
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            assert main([*command, "--state", str(self.state)]) == exit_code, err.getvalue()
        return out.getvalue(), err.getvalue()

    def train(self, *words: str, exit_code: int = 0) -> tuple[str, str]:
        events = ["--events", str(self.events), "--now", "2026-02-01T00:00:00Z"]
        return self.does("models train", *words, *events, exit_code=exit_code)

    def replay(self, exit_code: int = 0) -> str:
        words = ["--events", str(self.events), "--out", f"{self.folder}/out"]
        return self.does("replay", *words, "--json", "--shards", "2", exit_code=exit_code)[1]

    def models(self) -> Any:
        return json.loads(self.does("models show", "--json")[0])["models"]

    def pairs(self) -> dict[str, int]:
        return {name: each["learned"]["pairs"] for name, each in self.models().items()}

    def names(self) -> set[str]:
        return {each.name for each in self.state.glob("*")}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture(scope="module")
def after_a_run(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("run"))
    shop.replay()
    return shop


@pytest.fixture(scope="module")
def after_a_training(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """It has no state but for what models are to begin with."""
    shop = Shop(tmp_path_factory.mktemp("training"))
    out, err = shop.train()
    assert NOTHING in err
    assert "stays as it was" in err
    assert "spend" not in out
    return shop


def copied(shop: Shop, folder: Path) -> Shop:
    shutil.copytree(shop.folder, folder, dirs_exist_ok=True)
    copy = Shop(folder)
    copy.events = shop.events  # a state goes on with the files that it has read
    return copy


def test_a_run_begins_with_what_was_learned_and_learns_on_from_any_time(shop: Shop) -> None:
    out, err = shop.train("usual", "--json")
    assert err == ""
    trained = json.loads(out)
    assert trained["state"] == str(shop.state)
    usual = trained["models"]["usual"]
    known = CUSTOMERS - 1  # the last session is not over
    assert usual["learned"] == {
        "pairs": known,
        "positives": BUYERS,
        "until": "2026-01-01T11:00:00.000Z",
    }
    assert (usual["store"], usual["errors"]) == (None, 0)
    assert usual["bytes"] == (shop.state / "import-usual").stat().st_size
    assert shop.names() == {"lock", "import-usual"}
    assert shop.models()["usual"]["quality"] == usual["quality"]
    shop.replay()
    first = json.loads((shop.folder / "out/scores.jsonl").read_text().splitlines()[0])
    score = {"usual": (BUYERS + 1) / (known + 2), "intent": 0.5}[first["data"]["model"]]
    assert first["data"]["score"] == round(score, 6)
    # the same events once more, all before the end of those that were learned from
    assert shop.pairs() == {"usual": 2 * known, "intent": known, "spend": 0}
    assert shop.names().isdisjoint({"import-usual", "models.new", "training"})


def test_the_text_is_that_of_show_and_close_tells_all_that_is_known(shop: Shop) -> None:
    events = ["--events", str(shop.events)]
    out, err = shop.does("models train", *events, "--close", "spend", "intent")
    assert err == ""
    assert "intent (logistic_regression), version " in out
    assert f"{CUSTOMERS} pairs, {BUYERS} of them came true" in out
    assert "spend (baseline), version " in out
    assert "usual (baseline)" not in out
    assert "mean absolute error" in out
    shown, _ = shop.does("models show", "intent")
    for line in shown.splitlines():
        said = [each for each in out.splitlines() if each.split() == line.split()]
        assert said or line.startswith(" 0."), line


def test_a_model_that_has_learned_nothing_is_left_as_it_was(
    after_a_training: Shop, tmp_path: Path
) -> None:
    shop = copied(after_a_training, tmp_path)
    assert shop.names() == {"lock", "import-intent", "import-usual"}
    (shop.state / "import-spend").write_bytes(b"what it was")
    _, err = shop.train("spend", "--replace", exit_code=1)
    assert NOTHING in err
    assert (shop.state / "import-spend").read_bytes() == b"what it was"


def test_what_was_learned_is_replaced_only_when_that_is_asked_for(
    after_a_run: Shop, tmp_path: Path
) -> None:
    shop = copied(after_a_run, tmp_path)
    before = shop.names()
    _, err = shop.train("usual", "intent", exit_code=1)
    assert "has what models intent, usual learned; with --replace that is thrown away" in err
    assert shop.names() == before
    shop.train("usual", "--replace")
    assert shop.names() == before - {"model-usual"} | {"import-usual"}
    _, err = shop.train("usual", exit_code=1)  # it has not begun, and yet it knows something
    assert "has what model usual learned" in err
    assert shop.pairs() == {"intent": CUSTOMERS - 1, "usual": CUSTOMERS - 1, "spend": 0}


@pytest.mark.parametrize("began", ["with a run", "with an import"])
def test_a_changed_model_is_refused_with_the_way_out_which_is_one(
    began: str, after_a_run: Shop, after_a_training: Shop, tmp_path: Path
) -> None:
    shop = copied(after_a_run if began == "with a run" else after_a_training, tmp_path)
    shop.write(CONFIG.replace("{count: Product Viewed}", "{sum: properties.price}"))
    error = shop.replay(exit_code=1)
    assert error.count("\n") == 1, error
    assert "cartwheel models train CONFIG intent --events PATH --state DIR --replace" in error
    _, error = shop.does("models show", "intent", exit_code=1)
    assert "cartwheel models train CONFIG intent --events PATH --state DIR --replace" in error
    out, _ = shop.train("intent", "--replace", "--json")
    assert json.loads(out)["models"]["intent"]["learned"]["pairs"] == CUSTOMERS - 1
    shop.replay()
    again = CUSTOMERS - 1 if began == "with an import" else 0  # else all was read before
    assert shop.pairs()["intent"] == CUSTOMERS - 1 + again


def test_what_other_libraries_have_learned_is_refused_with_the_way_out(
    after_a_training: Shop, tmp_path: Path
) -> None:
    shop = copied(after_a_training, tmp_path)
    file = shop.state / "import-usual"
    stamp, learned = msgspec.msgpack.decode(file.read_bytes())
    parts = msgspec.msgpack.decode(learned)
    of_learner, rate = msgspec.msgpack.decode(parts["learner"])
    parts["learner"] = seal({**of_learner, "numpy": "0.1"}, rate)
    file.write_bytes(seal(stamp, msgspec.msgpack.encode(parts)))
    error = shop.replay(exit_code=1)
    assert error.count("\n") == 1, error
    assert "the learner of model usual cannot be read: what was learned does not fit" in error
    assert "(numpy: 0.1, now none)" in error
    assert "cartwheel models train CONFIG usual" in error


def test_a_damaged_model_can_be_replaced(after_a_run: Shop, tmp_path: Path) -> None:
    shop = copied(after_a_run, tmp_path)
    folder = shop.state / "model-usual"
    version = folder / (folder / "committed").read_text()
    (version / "CURRENT").write_bytes(b"")
    shop.does("models show", "usual", exit_code=1)
    leave_as_if_killed(shop)
    shop.train("usual", "--replace")
    assert "training" not in shop.names()
    assert shop.pairs()["usual"] == CUSTOMERS - 1


def test_a_state_that_is_used_is_left_alone(shop: Shop) -> None:
    with StateFolder(shop.state).lock():
        _, err = shop.train(exit_code=1)
    assert f"{shop.state} is in use by another process; wait for it, or stop it" in err
    assert shop.names() == {"lock"}


def test_a_training_that_fails_leaves_nothing(shop: Shop) -> None:
    (shop.folder / "events.jsonl.gz").write_bytes(b"\x1f\x8b\x08 cut off")
    events = ["--events", f"{shop.folder}/events.jsonl.gz"]
    _, err = shop.does("models train", *events, exit_code=1)
    assert "events.jsonl.gz" in err
    assert shop.names() == {"lock"}


def leave_as_if_killed(shop: Shop) -> None:
    left = shop.state / "training" / "shard-00" / "live-0123"
    left.mkdir(parents=True)
    (left / "LOCK").touch()


def test_what_a_killed_training_has_left_goes_with_the_next_run(shop: Shop) -> None:
    leave_as_if_killed(shop)
    shop.replay()
    assert "training" not in shop.names()


@pytest.mark.parametrize(
    ("words", "exit_code", "error"),
    [
        (["usul"], 2, "has no model 'usul'; did you mean \"usual\"?"),
        (["--workers", "0"], 2, "--workers is 0, expected 1 to"),
        (["--now", "soon"], 2, "--now is 'soon', expected an RFC 3339 time"),
    ],
)
def test_what_is_wrong_is_said(shop: Shop, words: list[str], exit_code: int, error: str) -> None:
    events = ["--events", str(shop.events)]
    _, err = shop.does("models train", *words, *events, exit_code=exit_code)
    assert error in err
    assert shop.names() <= {"lock"}


def test_events_may_be_named_by_the_config_and_must_be_somewhere(shop: Shop) -> None:
    _, err = shop.does("models train", exit_code=2)
    assert "--events is missing, and the config names no source.files" in err
    shop.write(f"{CONFIG}source: {{files: {shop.folder}/events.jsonl}}\n")
    with StateFolder(shop.state).lock():
        _, err = shop.does("models train", exit_code=1)
    assert "is in use" in err  # there are events


def test_a_folder_with_something_else_is_not_touched(shop: Shop) -> None:
    shop.state.mkdir()
    (shop.state / "letter").touch()
    _, err = shop.train(exit_code=1)
    assert "is no state and not empty (it holds letter)" in err
    assert shop.names() == {"letter"}
