"""A real Kafka for the tests: one for the whole run, and new ones for tests that disturb it.

Without Java or Maven these tests are skipped and the run says so at its end; with REQUIRE_KAFKA=1
they fail.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from broker.broker import Broker
from broker.errors import BrokerError
from broker.shared import shared_broker
from broker.topics import Kafka

NO_KAFKA = "no Kafka: "

settings.register_profile("suite", deadline=None)  # how long an example takes says how busy it is
# what CI says is to be about the change: there the examples are the same for the same tests, while
# everybody else's runs look for new ones
settings.register_profile("ci", settings.get_profile("suite"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kafka:
    """The broker that all tests of a run share, also with several workers: do not disturb it."""
    base = tmp_path_factory.getbasetemp()
    worker = hasattr(request.config, "workerinput")  # set by pytest-xdist
    folder, run = (base.parent, os.getppid()) if worker else (base, os.getpid())
    try:
        return Kafka(shared_broker(folder, run))
    except BrokerError as error:
        _do_without(error)


@pytest.fixture(scope="module")
def start_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Broker]]:
    """A function that starts a broker for this module alone; it takes what `Broker` takes."""
    with ExitStack() as stack:

        def start(folder: Path | None = None, *, secure: bool = False) -> Broker:
            folder = folder or tmp_path_factory.mktemp("broker")
            try:
                return stack.enter_context(Broker(folder, secure=secure))
            except BrokerError as error:
                _do_without(error)

        yield start


def _do_without(error: BrokerError) -> NoReturn:
    """Fail or skip the test."""
    if os.environ.get("REQUIRE_KAFKA", "0") not in {"", "0"}:
        pytest.fail(f"REQUIRE_KAFKA is set, but there is {NO_KAFKA}{error}", pytrace=False)
    pytest.skip(f"{NO_KAFKA}{error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested."""
    skipped: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        _, found, reason = str(report.longrepr[2]).partition(NO_KAFKA)
        skipped[reason] += bool(found)
    for reason, count in (+skipped).items():
        terminalreporter.write_sep("!", f"{count} Kafka tests SKIPPED", red=True, bold=True)
        terminalreporter.write_line(f"{NO_KAFKA}{reason}", red=True, bold=True)
