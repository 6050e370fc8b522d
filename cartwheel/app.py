"""The ``cartwheel`` command: finds the subcommand, and turns its errors into an exit code."""

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from cartwheel import (
    check,
    dead_letters,
    diff,
    explain,
    import_,
    models,
    privacy,
    replay,
    run,
    scenarios,
    schemas,
    simulate,
    state,
)
from cartwheel.errors import INTERRUPTED, CartwheelError
from cartwheel.visible import visible_lines

COMMANDS: tuple[ModuleType, ...] = (
    replay,
    run,
    check,
    explain,
    models,
    scenarios,
    diff,
    import_,
    simulate,
    state,
    schemas,
    dead_letters,
    privacy,
)
"""Each gives NAME, SUMMARY, ``add_arguments(parser)`` and ``run(arguments) -> exit code``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit codes: 0 done, 1 failed, 2 the command or the config is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        exit_code: int = arguments.run(arguments)
    except CartwheelError as error:
        print(f"cartwheel: {visible_lines(str(error))}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        text = f"cartwheel: {place}{error.strerror or error}"
        print(visible_lines(text), file=sys.stderr)
        return CartwheelError.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        allow_abbrev=False, prog="cartwheel", description="A real-time personalization engine."
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparser = subparsers.add_parser(
            command.NAME, allow_abbrev=False, help=command.SUMMARY, description=command.__doc__
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
