"""Nothing is lost and nothing comes twice, whatever is killed, paused or started again."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.broker import Broker
from broker.topics import Kafka
from kafka_arrivals import PARTITIONS, RULES
from kafka_running import KafkaRun
from kafka_torture import Score, Torture

ROUNDS_IN_SUITE = 5  # one of each kind
ROUNDS_IN_TORTURE = 25


@pytest.fixture(scope="module")
def own(start_broker: Callable[..., Broker]) -> Broker:
    return start_broker()


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print past what pytest keeps to itself."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None

    def print_it(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stdout.write(f"\n{text}\n")

    return print_it


@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_disturbing_a_run_loses_nothing(
    own: Broker, tmp_path: Path, delivery: str, say: Callable[[str], None]
) -> None:
    score = _play(own, tmp_path, delivery, ROUNDS_IN_SUITE, seed=1)
    say(f"{delivery}: {score}")
    _assert_kept(score, delivery)


@pytest.mark.torture
@pytest.mark.parametrize("seed", [100, 200])
@pytest.mark.parametrize("delivery", ["exact", "fast"])
def test_disturbing_a_run_many_times_loses_nothing(
    own: Broker, tmp_path: Path, delivery: str, seed: int, say: Callable[[str], None]
) -> None:
    score = _play(own, tmp_path, delivery, ROUNDS_IN_TORTURE, seed)
    say(f"{delivery}: {score}")
    _assert_kept(score, delivery)


def _play(own: Broker, folder: Path, delivery: str, rounds: int, seed: int) -> Score:
    topic = Kafka(own.bootstrap).topic("torture", PARTITIONS)
    run = KafkaRun(folder, own.bootstrap, topic, RULES, workers=3, sink={"delivery": delivery})
    return Torture(run, own, seed).play(rounds)


def _assert_kept(score: Score, delivery: str) -> None:
    """``exact``: each once and nothing else. ``fast``: each, repeats with the same id."""
    verdict = score.verdict
    assert all(verdict.expected.values()), verdict
    assert (verdict.lost + verdict.surplus).total() == 0, verdict.examples
    if delivery == "exact":
        assert verdict.duplicated.total() == 0, verdict
    assert max(score.gone_s) < 10
