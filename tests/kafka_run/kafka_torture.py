"""Disturbs a run on topics at random, and measures how soon it gives results again."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from broker.broker import Broker
from kafka_arrivals import Arrivals
from kafka_running import KafkaRun
from kafka_verifier import Verdict, verify

GIVES_RESULTS_WITHIN_S = 60.0
_SEEN_WITHIN_S = 0.5
"""How long after a result was sent it has surely been noted."""

WATCHED = ("sessions", "triggers", "decisions")


@dataclass
class Score:
    """What happened over all rounds.

    Attributes:
        done: how often each disturbance took place.
        recovered_s: from when it could go on again to the first new result, by disturbance.
        gone_s: from the supervisor's death to that of its last worker.
        stopped_s: from SIGTERM to the end.
        verdict: what the independent verifier has found.
    """

    done: Counter[str] = field(default_factory=Counter)
    recovered_s: dict[str, list[float]] = field(default_factory=dict)
    gone_s: list[float] = field(default_factory=list)
    stopped_s: list[float] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def __str__(self) -> str:
        everything = sorted(one for each in self.recovered_s.values() for one in each)
        lines = [f"{self.done.total()} rounds {dict(self.done)}; {self.verdict}"]
        lines += [f"to new results, p50/p99: {_quantiles(everything)}"]
        lines += [f"  {name}: {_quantiles(each)}" for name, each in self.recovered_s.items()]
        if self.gone_s:
            lines.append(f"workers gone after the supervisor: at most {max(self.gone_s):.2f} s")
        if self.stopped_s:
            lines.append(f"SIGTERM to the end: {_quantiles(self.stopped_s)}")
        return "\n".join(lines)


class Results:
    """Notes how many results were sent; sees what is committed, as a consumer does."""

    def __init__(self, run: KafkaRun) -> None:
        self._run = run
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.seen = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=self._run.bootstrap,
            isolation_level="read_committed",
            reconnect_backoff_max_ms=200,
            request_timeout_ms=5000,
        )
        try:
            names = [
                TopicPartition(self._run.prefix + kind, each)
                for kind in WATCHED
                for each in range(4)
            ]
            consumer.assign(names)
            consumer.seek_to_beginning(*names)
            while not self._stop.is_set():
                with suppress(KafkaError):
                    self.seen += sum(map(len, consumer.poll(timeout_ms=50).values()))
        finally:
            consumer.close()


class Torture:
    """One run, disturbed again and again while events arrive.

    Args:
        run: with several workers.
        broker: of this test alone.
        seed: of the choices.
    """

    def __init__(self, run: KafkaRun, broker: Broker, seed: int) -> None:
        self._run = run
        self._broker = broker
        self._random = Random(seed)
        self._running = run.start()
        self.score = Score()

    def play(self, rounds: int) -> Score:
        """Disturb so many times, let it end, and compare; nothing of it is left."""
        kinds = self._kinds()
        try:
            with Arrivals(
                self._run.bootstrap, self._run.topic, seed=self._random.randrange(1000)
            ) as arrivals:
                self._running.wait_until(lambda: any(self._run.state.glob("shard-*/committed")))
                with Results(self._run) as results:
                    for number in range(rounds):
                        names = list(kinds)
                        name = names[number] if number < len(names) else self._random.choice(names)
                        self._disturb(name, kinds[name], results)
                arrivals.finish()
            self._running.wait_for_all_read()
            assert self._running.stop() == 0, self._run.log.read_text()[-2000:]
        finally:
            self._running.kill_supervisor()
        self.score.verdict = verify(self._run)
        return self.score

    def _kinds(self) -> dict[str, Callable[[], float]]:
        """Name what can be done; each returns from when on it could go on again."""
        return {
            "kill a worker": self._kill_worker,
            "pause a worker": self._pause_worker,
            "kill the supervisor": self._kill_supervisor,
            "restart the broker": self._restart_broker,
            "SIGTERM and start": self._stop_and_start,
        }

    def _disturb(self, name: str, act: Callable[[], float], results: Results) -> None:
        self._running.wait_for_workers()
        time.sleep(self._random.uniform(0.1, 1.5))
        free = act()
        seen = results.seen
        self._running.wait_until(lambda: results.seen > seen, GIVES_RESULTS_WITHIN_S)
        self.score.done[name] += 1
        self.score.recovered_s.setdefault(name, []).append(time.monotonic() - free)

    def _kill_worker(self) -> float:
        workers = self._running.wait_for_workers()
        os.kill(self._random.choice(workers), signal.SIGKILL)
        killed = time.monotonic()
        self._running.wait_until(lambda: not set(workers) & set(self._running.workers()))
        return killed

    def _pause_worker(self) -> float:
        worker = self._random.choice(self._running.wait_for_workers())
        os.kill(worker, signal.SIGSTOP)
        time.sleep(self._random.uniform(0.5, 3))
        os.kill(worker, signal.SIGCONT)
        return time.monotonic()

    def _kill_supervisor(self) -> float:
        self.score.gone_s.append(self._running.kill_supervisor())
        return self._start()

    def _restart_broker(self) -> float:
        self._broker.kill()
        self._broker.start()
        return time.monotonic()

    def _stop_and_start(self) -> float:
        asked = time.monotonic()
        assert self._running.stop() == 0, self._run.log.read_text()[-2000:]
        self.score.stopped_s.append(time.monotonic() - asked)
        return self._start()

    def _start(self) -> float:
        time.sleep(_SEEN_WITHIN_S)
        started = time.monotonic()
        self._running = self._run.start()
        return started


def _quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return f"{ordered[last // 2]:.2f} / {ordered[round(last * 0.99)]:.2f} s"
