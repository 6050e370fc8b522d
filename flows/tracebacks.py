"""Tells of an unexpected error without what it says: that may be of an event, or a customer's name.

A missing key, a value that could not be read: Python puts it into the error's message. Where the
error arose, and of which kind it is, says enough to find it.
"""

import traceback


def told(error: BaseException) -> str:
    """Return an error's traceback and its kind, and those of the errors that led to it."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(map(_told, reversed(chain)))


def _told(error: BaseException) -> str:
    places = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error)
    return f"Traceback (most recent call last):\n{places}{kind.__module__}.{kind.__qualname__}\n"
