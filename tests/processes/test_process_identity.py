"""Identity in processes of its own: neither their number nor a death changes whose an event is."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from models_replayed import shop
from visitors import visitors

from replaying import Replay, assert_same, output_bytes, stop, summary

EVENTS = 6_000
CONFIG = """
name: shop
epoch: {every: 300ms}
session:
  gap: 30m
  collect: {views: {count: Product Viewed}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  cart: {sum: properties.price, of: Product Added, since: Order Completed}
  orders: {count: Order Completed}
segments:
  full_cart: cart >= 100
  looks: views_1h >= 2 and orders == 0
triggers:
  cart_abandoned:
    on: Product Added
    after: 30m
    cancel: Order Completed
    again: 24h
    payload: {value: cart}
  welcome: {on: identify, again: never}
models:
  intent:
    kind: logistic_regression
    predicts: Order Completed
    within: session
    from: [views_1h, session.views, orders]
identity: {}
"""
SAYS_SO = ["cartwheel: a worker was killed (SIGKILL); going on from the last commit"]


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("some") / "some.jsonl"
    return visitors(path, events=EVENTS, people=300, apart_s=10)


@pytest.fixture(scope="module")
def one(some: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """A replay in one process from the beginning to the end."""
    replay = shop(tmp_path_factory.mktemp("one"), some, config=CONFIG)
    assert replay.done().stderr == ""
    return replay


def test_the_shop_shows_enough_to_compare(one: Replay) -> None:
    counted = summary(one.out)
    assert counted["merged"] > 100
    assert counted["refused_links"] > 5
    lines = (one.out / "decisions.jsonl").read_bytes().splitlines()
    reasons = Counter(json.loads(line)["data"]["reason"] for line in lines)
    assert reasons["merged"] > 10
    assert reasons["again"] > 20
    changes = (one.out / "segments.jsonl").read_bytes()
    assert changes.count(b'"origin":"merge"') > 40


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_processes_gives_the_same_byte_for_byte(
    workers: int, some: Path, one: Replay, tmp_path: Path
) -> None:
    replay = shop(tmp_path, some, "--workers", str(workers), config=CONFIG)
    replay.done()
    assert_same(one, replay)


@pytest.mark.parametrize(("seed", "workers"), [(1, 1), (2, 3)])
def test_a_worker_that_is_killed_at_a_random_moment_links_and_merges_the_same(
    seed: int, workers: int, some: Path, one: Replay, tmp_path: Path
) -> None:
    random = Random(seed)
    replay = shop(tmp_path, some, "--workers", str(workers), config=CONFIG)
    with replay.started() as running:
        assert running.wait_for_output(int(output_bytes(one.out) * random.uniform(0, 0.7)))
        running.kill(random.choice(running.workers()))
        ended = running.wait()
    assert (ended.exit_code, ended.stderr.splitlines()) == (0, SAYS_SO)
    assert_same(one, replay)


@pytest.mark.parametrize(
    "point", ["before-write", "between-write-and-checkpoint", "between-checkpoint-and-commit"]
)
def test_a_worker_may_die_at_any_point_of_a_commit(
    point: str, some: Path, one: Replay, tmp_path: Path
) -> None:
    replay = shop(tmp_path, some, config=CONFIG)
    struck = tmp_path / "struck"
    ended = replay.done(CARTWHEEL_KILL_AT=f"{point}:9:{struck}")
    assert struck.exists()
    assert ended.stderr.splitlines() == SAYS_SO
    assert_same(one, replay)


def test_identity_can_be_switched_on_and_off(some: Path, one: Replay, tmp_path: Path) -> None:
    off = CONFIG.replace("identity: {}\n", "")
    replay = shop(tmp_path, some, config=off)
    assert replay.config is not None
    merged = []
    for share, config in ((0.2, off), (0.5, CONFIG), (0.6, off)):
        replay.config.write_text(config)
        assert stop(replay, int(output_bytes(one.out) * share)).exit_code == 0
        merged.append((replay.out / "identity.jsonl").exists())
    replay.config.write_text(CONFIG)
    replay.done()
    assert merged == [False, True, True]
    assert 0 < summary(replay.out)["merged"] < summary(one.out)["merged"]
