"""Several sinks on one state: only one writes, and one that was fenced by chance goes on."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

import pytest
from msgspec.structs import replace as changed

from broker.topics import Kafka
from connectors.errors import FencedError, TakenOverError
from connectors.kafka import outbox_delivery
from connectors.kafka.client_settings import ClientName, KafkaSettings
from connectors.kafka.clients import Producer, make_producer
from connectors.kafka.exact_sink import ExactSink
from connectors.kafka.plans import TopicsOut
from connectors.kafka.topics import prepare_topics
from connectors.rendering import Line
from connectors.tick_parts import RenderedPart, SinkState
from kafka_running import as_json, produce, read_topic
from operators.ticks import TickName


@pytest.fixture(params=["kafka-python", "librdkafka"])
def plan(
    request: pytest.FixtureRequest, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TopicsOut:
    monkeypatch.setattr(outbox_delivery, "RETRY_S", 0.01)
    prefix = kafka.topic("zombie") + "."
    plan = TopicsOut(
        settings=KafkaSettings(kafka.bootstrap, cast("ClientName", request.param)),
        prefix=prefix,
        delivery="exact",
        compression="lz4",
        create=True,
        partitions=1,
        state=f"state-of-{prefix}",
        outbox=str(tmp_path / "outbox"),
    )
    prepare_topics(plan, ["sessions"])
    return plan


class Epochs:
    """A sink of one shard, of which each tick is an epoch.

    Args:
        plan: where to.
        owner: gives the id of the run that has the state now; the first is this sink's.
        outbox: the number of the outbox that the state has come with, and so of ticks.
        stopping: whether it is to give up.
    """

    def __init__(
        self,
        plan: TopicsOut,
        owner: Callable[[], str],
        outbox: int = 0,
        *,
        stopping: bool = False,
    ) -> None:
        self._ticks = outbox
        state = SinkState([outbox], outbox=outbox)
        self.sink = ExactSink(plan, shards=1, state=state, owner=owner, stopping=lambda: stopping)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sink.close()

    def give(self, *texts: str) -> None:
        """Take a tick, which proves that the epoch before is committed, and end its epoch."""
        self._ticks += 1
        lines = [Line(self._ticks, text, text, text.encode(), text.encode()) for text in texts]
        kinds = {"sessions": lines} if lines else {}
        self.sink.write(RenderedPart(TickName(0, self._ticks), 0, kinds, Counter()))
        self.sink.snapshot()


def sent(plan: TopicsOut) -> list[str]:
    records = read_topic(plan.settings.brokers, f"{plan.prefix}sessions")
    return [str(record.value, "utf-8") for record in records if record.value]


def notes(plan: TopicsOut) -> list[Any]:
    return [as_json(each) for each in read_topic(plan.settings.brokers, f"{plan.prefix}commits")]


def fence(plan: TopicsOut) -> None:
    """Make a sink's producer invalid, as a broker does that was killed in a transaction."""
    make_producer(plan.settings, transactional_id=f"cartwheel-{plan.state}").close()


def test_the_sink_of_a_paused_worker_cannot_write_once_another_has_taken_over(
    plan: TopicsOut,
) -> None:
    owner = ["old"]
    with Epochs(plan, lambda: owner[0], stopping=True) as old:
        old.give("a")
        old.give("sent by a zombie")  # proves the commit of "a", and sends it

        owner[0] = "new"  # the old one sleeps; its second epoch never committed
        with Epochs(plan, lambda: owner[0], outbox=1, stopping=True) as new:
            new.give("b")
            for expected in (FencedError, TakenOverError, TakenOverError):  # and it stays so
                with pytest.raises(expected):
                    old.give()
            new.give()  # does not wait, so would say that it was fenced
    assert sent(plan) == ["a", "b"]
    assert notes(plan) == [{"outbox": 1, "run": "old"}, {"outbox": 2, "run": "new"}]


def test_a_sink_that_was_fenced_while_the_state_is_its_own_goes_on_and_sends_each_once(
    plan: TopicsOut,
) -> None:
    with Epochs(plan, lambda: "run") as sink:
        for text in ("a", "b", "c", "d"):
            sink.give(text)
            fence(plan)
        sink.give()
    assert sent(plan) == ["a", "b", "c", "d"]
    assert [note["outbox"] for note in notes(plan)] == [1, 2, 3, 4]


def test_what_was_sent_before_the_sink_was_fenced_is_not_sent_again(
    plan: TopicsOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of which the answer was lost: the note is the sink's own."""
    lost: list[Producer] = []

    def make(*args: Any, **settings: Any) -> Producer:
        producer = make_producer(*args, **settings)
        commit = producer.commit

        def commit_and_lose_the_answer() -> None:
            commit()
            if not lost:
                lost.append(producer)
                raise FencedError("as if it had not been")

        monkeypatch.setattr(producer, "commit", commit_and_lose_the_answer)
        return producer

    monkeypatch.setattr(outbox_delivery, "make_producer", make)
    with Epochs(plan, lambda: "run") as sink:
        sink.give("a")
        sink.give("b")
        sink.give()
    assert len(lost) == 1
    assert sent(plan) == ["a", "b"]


@pytest.mark.parametrize("ahead", [0, 2])
def test_of_two_copies_of_a_state_one_ends_and_the_other_sends_each_result_once(
    plan: TopicsOut, tmp_path: Path, ahead: int
) -> None:
    """Each is told that it is the owner; one may have gone on before the other starts."""
    copy = changed(plan, outbox=str(tmp_path / "copy"))
    with Epochs(plan, lambda: "one") as one, Epochs(copy, lambda: "two") as two:
        given: dict[Epochs, list[str]] = {one: [], two: []}
        names = {one: "one", two: "two"}

        def give(sink: Epochs) -> None:
            text = f"{names[sink]} {len(given[sink])}"
            sink.give(text)
            given[sink].append(text)

        for _ in range(1 + ahead):
            give(one)
        ended = None
        for _ in range(5):
            for sink in (two, one):
                if sink is ended:
                    continue
                try:
                    give(sink)
                except TakenOverError:
                    assert ended is None, "one goes on"
                    ended = sink
        assert ended is not None
        survivor = one if ended is two else two
        survivor.give()
        with pytest.raises(TakenOverError, match="is a copy of it"):
            ended.give()
    from_survivor = [text for text in sent(plan) if text.startswith(names[survivor])]
    assert from_survivor == given[survivor]
    assert len(given[ended]) < len(given[survivor])


def test_a_sink_that_is_fenced_again_and_again_for_one_outbox_gives_up(
    plan: TopicsOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the transaction takes longer than the broker allows; the next run tries it again."""
    made: list[Producer] = []

    def make_fenced(*args: Any, **settings: Any) -> Producer:
        made.append(make_producer(*args, **settings))
        fence(plan)
        return made[-1]

    monkeypatch.setattr(outbox_delivery, "make_producer", make_fenced)
    with Epochs(plan, lambda: "run") as sink:
        sink.give("a")
        with pytest.raises(FencedError, match="open for too long"):
            sink.give()
    assert len(made) == outbox_delivery.ATTEMPTS_MOST
    monkeypatch.undo()
    with Epochs(plan, lambda: "next", outbox=1) as sink:
        sink.give()
    assert sent(plan) == ["a"]


def test_a_note_that_names_no_run_is_understood(plan: TopicsOut) -> None:
    """Those of earlier versions do not."""
    bootstrap, commits = plan.settings.brokers, f"{plan.prefix}commits"
    produce(bootstrap, commits, (plan.state.encode(), b'{"outbox":1}'), partition=0)
    with Epochs(plan, lambda: "run", outbox=1) as sink:  # its file is gone: it was sent
        sink.give("b")
        fence(plan)
        sink.give()
    assert sent(plan) == ["b"]


@pytest.mark.parametrize("outbox", [0, 1])
def test_a_state_restored_from_a_backup_sends_what_it_makes_anew(
    plan: TopicsOut, outbox: int
) -> None:
    with Epochs(plan, lambda: "before") as sink:
        for text in ("a", "b", "c", ""):
            sink.give(*text)
    with Epochs(plan, lambda: "restored", outbox) as sink:
        sink.give("b")
        sink.give("c and all that has come since")
        sink.give()
    assert sent(plan) == ["a", "b", "c", "b", "c and all that has come since"]
