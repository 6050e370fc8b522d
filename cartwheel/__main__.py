"""Where the command begins, also as ``python -m cartwheel``."""

import sys
from types import TracebackType


def main() -> int:
    """Run the command; Ctrl-C ends it with 130, also while it is still being loaded."""
    sys.excepthook = _tell
    try:
        from cartwheel.app import main as run  # noqa: PLC0415 (loading takes a while)

        return run()
    except KeyboardInterrupt:
        return 130


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Tell of an unexpected error; never what it says."""
    from flows.tracebacks import told  # noqa: PLC0415 (it is seldom wanted)

    del kind, traceback  # which the error has
    print(told(error), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
