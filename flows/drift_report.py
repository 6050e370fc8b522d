"""The changes that a model was told of, as ``models show`` tells them."""

from collections.abc import Iterable

import msgspec

from operators.models.parts import Told
from operators.times import format_time

_DECIMALS = 6


class LastChange(msgspec.Struct, frozen=True):
    """The last change that was told of.

    Attributes:
        time: of the outcome at which it was found.
        before: the mean until then.
        after: the mean since then.
    """

    time: str
    before: float
    after: float


class ChangesReport(msgspec.Struct, frozen=True):
    """The changes that were told of one thing.

    Attributes:
        told: how many.
        last: of them; None where there was none.
    """

    told: int
    last: LastChange | None


class DriftReport(msgspec.Struct, frozen=True):
    """What has changed since the model began to learn.

    Attributes:
        error: how far off its scores were.
        label: how often the event came, or the mean of the sums.
        inputs: by name; categories and the clock are not looked at.
    """

    error: ChangesReport
    label: ChangesReport
    inputs: dict[str, ChangesReport]


def drift_report(told: Iterable[Told]) -> DriftReport:
    """Write what was told of the error, of the labels, and of the inputs."""
    error, label, *inputs = told
    by_name = {str(each.input): _changes(each) for each in inputs}
    return DriftReport(_changes(error), _changes(label), by_name)


def _changes(told: Told) -> ChangesReport:
    if told.last is None:
        return ChangesReport(told.count, None)
    time, before, after = told.last.time, told.last.before, told.last.after
    last = LastChange(format_time(time), round(before, _DECIMALS), round(after, _DECIMALS))
    return ChangesReport(told.count, last)
