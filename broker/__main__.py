"""``python -m broker start`` and ``stop``: a Kafka for development, as ``make kafka`` has it."""

import argparse
import sys
from pathlib import Path

from broker import development, shared
from broker.errors import BrokerError


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m broker", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help="start the broker unless it runs; print its address")
    commands.add_parser("stop", help="end the broker that start has started")
    keeper = commands.add_parser("keep", help="for the tests: a broker while a process runs")
    keeper.add_argument("folder", type=Path)
    keeper.add_argument("run", type=int)
    asked = parser.parse_args()
    try:
        if asked.command == "start":
            print(development.start())
        elif asked.command == "stop":
            print("stopped" if development.stop() else "no broker was running")
        else:
            shared.keep(asked.folder, asked.run)
    except BrokerError as error:
        print(f"broker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
