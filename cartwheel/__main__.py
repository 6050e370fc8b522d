"""Where the command begins, also as ``python -m cartwheel``."""

import sys


def main() -> int:
    """Run the command; Ctrl-C ends it with 130, also while it is still being loaded."""
    try:
        from cartwheel.app import main as run  # noqa: PLC0415 (loading takes a while)

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
