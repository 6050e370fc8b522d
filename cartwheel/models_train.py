"""Let the models of a config learn from recorded events, and put what they know into a state.

The events are replayed in a state of its own that is gone at the end. Nothing is written or sent.
"""

import argparse
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from cartwheel.errors import CartwheelError
from cartwheel.inputs import expand
from cartwheel.opening import WORKERS_MOST, Asked, bounded
from cartwheel.replay import Recorded, asked_events, asked_order
from cartwheel.to_the_end import replay_to_the_end, stopped_by_sigterm
from config import Config
from flows.inspect_models import ModelReport, inspect_models
from flows.inspect_rfm import RfmReport
from flows.model_files import exported
from flows.placed_models import is_placed, place, place_rest
from operators.models.plan import ModelPlan
from state.folder import StateFolder
from state.keyed_hash import share_key

_STOPPED = "stopped; no model was put into the state"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the action takes."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the config file")
    parser.add_argument("name", metavar="NAME", nargs="*", help="these models alone")
    parser.add_argument(
        "--events", metavar="PATH", nargs="+", help="files or folders; default: the config's source"
    )
    parser.add_argument(
        "--state", metavar="DIR", type=Path, required=True, help="the state's folder, made if new"
    )
    parser.add_argument(
        "--close", action="store_true", help="at the end, learn all outcomes with what is known"
    )
    parser.add_argument(
        "--replace", action="store_true", help="throw away what these models have learned there"
    )
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes (1)")
    parser.add_argument("--order", choices=["time", "name"], help="how files become one stream")
    parser.add_argument("--now", metavar="TIME", help="the clock for future timestamps")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def train(
    arguments: argparse.Namespace,
    config: Config,
    plans: Sequence[ModelPlan],
    folder: StateFolder,
) -> dict[str, ModelReport | RfmReport]:
    """Train models, and let the state begin with what they have learned: all of them or none.

    Returns:
        What each has learned, by name; one that has learned nothing is left as it was.

    Raises:
        UsageError: what was asked for is wrong.
        CartwheelError: the events cannot be read, a model would be replaced, or none has learned.
        StateError: the state is in use, or cannot be written.
    """
    bounded("--workers", arguments.workers, WORKERS_MOST)
    recorded = Recorded(
        files=expand(asked_events(arguments.events, config)),
        out=None,
        order=asked_order(arguments.order, config),
        asked=Asked(None, None, 1, arguments.now),
        workers=arguments.workers,
        close=arguments.close,
    )
    with ExitStack() as stack:
        stack.enter_context(folder.lock())
        if folder.was_run():
            stack.enter_context(folder.lock_workers())
        place_rest(folder)
        if not arguments.replace:
            _refuse_placed(folder, plans)
        with stopped_by_sigterm(_STOPPED), _private_state(folder) as private:
            if config.privacy:  # models may look at what is hashed
                share_key(folder.path, private.path)
            replay_to_the_end(config, recorded, private, label="train", stopped=_STOPPED)
            sealed = {each.name: exported(private, each) for each in plans}
            learned = {name: data for name, data in sealed.items() if data is not None}
            _tell_without(folder, learned, sealed.keys() - learned.keys())
            trained = [each for each in plans if each.name in learned]
            reports = inspect_models(private, config, trained)
        place(folder, learned)
    return {
        name: msgspec.structs.replace(report, store=None, bytes=len(learned[name]))
        for name, report in reports.items()
    }


def _refuse_placed(folder: StateFolder, plans: Iterable[ModelPlan]) -> None:
    """See that no model of the state would be replaced.

    Raises:
        CartwheelError: one would.
    """
    placed = [each.name for each in plans if is_placed(folder, each.name)]
    if placed:
        raise CartwheelError(
            f"{folder.path} has what {_models(placed)} learned; with --replace that is thrown"
            " away, and what is trained takes its place"
        )


@contextmanager
def _private_state(folder: StateFolder) -> Iterator[StateFolder]:
    """Give a state to train in, inside the other one; it goes at the end.

    Raises:
        StateError: a worker of an earlier training still runs there.
    """
    private = StateFolder(folder.training)
    if private.path.exists():  # of a command that was killed
        with private.lock_workers():
            shutil.rmtree(private.path)
    try:
        yield private
    finally:
        shutil.rmtree(private.path, ignore_errors=True)


def _tell_without(
    folder: StateFolder, learned: Mapping[str, bytes], without: Iterable[str]
) -> None:
    """Say which models have learned nothing.

    Raises:
        CartwheelError: none has learned anything.
    """
    names = sorted(without)
    if not names:
        return
    text = (
        f"nothing was learned by {_models(names)}: of none of its moments it is known what became"
        " of it (--close takes what is known at the end of the events)"
    )
    if not learned:
        raise CartwheelError(text)
    print(f"cartwheel: {text}; in {folder.path} it stays as it was", file=sys.stderr)


def _models(names: Sequence[str]) -> str:
    return f"model {names[0]}" if len(names) == 1 else f"models {', '.join(names)}"
