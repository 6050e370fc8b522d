"""What a command may fail with: one message for the screen and an exit code."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, which is no failure."""


class CartwheelError(Exception):
    """The command failed: exit code 1."""

    exit_code = 1


class UsageError(CartwheelError):
    """The command or what it was given is wrong: exit code 2."""

    exit_code = 2
