"""The kinds of value that keys of models take, beside those of ``values``."""

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from config.environment import Substituted
from config.forms import REFERENCE, TEXT, duration_or, text_like, words
from config.scalars import resolve
from config.values import ANY_EVENT, MAX_EVENT_CHARACTERS, expected, parse_duration, read_by
from config.wording import nearest
from expressions.tokens import UNITS_MS

LOGISTIC, BASELINE, RFM = "logistic_regression", "baseline", "rfm"
RFM_PARTS = ("recency", "frequency", "monetary")
SESSION = "session"
MOMENTS = "moments"
NO = "no "
"""What the text of a prediction begins with where the event is to stay away."""

STEP_MS = (UNITS_MS["s"], UNITS_MS["d"])
MOST_ITEMS = 100

_A_KIND = f"{LOGISTIC}, {BASELINE}, {RFM}, or a class of River such as tree.HoeffdingTreeClassifier"
_RIVER = r"[a-z][a-z0-9_]*\.[A-Z][A-Za-z0-9_]*"

Scalar = str | int | float | bool | None


def unquoted(value: object) -> object:
    """Read what the environment gave for a number or a yes as if it stood in the file."""
    return resolve(value) if isinstance(value, Substituted) else value


def _real(
    *, above: float | None = None, least: float = 0.0, most: float, below: bool = False
) -> Any:
    """Read a number between two bounds.

    Args:
        above: the lower bound where it is not allowed itself.
        least: the lower bound where it is.
        most: the upper bound.
        below: whether that is not allowed itself.
    """
    low = f"above {above:g}" if above is not None else f"of at least {least:g}"
    what = f"a number {low} and {'below' if below else 'of at most'} {most:,g}"

    def read(value: object) -> float:
        number = unquoted(value)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise expected(what)
        is_low = number <= above if above is not None else number < least
        if not math.isfinite(number) or is_low or number > most or (below and number == most):
            raise expected(what)
        return float(number)

    lower = {"gt": above} if above is not None else {"ge": least}
    upper = {"lt": most} if below else {"le": most}
    form = Annotated[float, Field(**lower, **upper)] | REFERENCE
    return read_by(read, form)


def _within(value: object) -> int | None:
    if value == SESSION:
        return None
    try:
        duration_ms = parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        near = nearest(value, (SESSION,)) if isinstance(value, str) else None
        raise expected(f"{SESSION} or {error}", near=near) from None
    if duration_ms < 1:
        raise expected(f"{SESSION} or a duration of at least 1ms")
    return duration_ms


def _step(value: object) -> int:
    what = "a duration from 1s to 1d"
    try:
        duration_ms = parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise expected(what) from None
    if not STEP_MS[0] <= duration_ms <= STEP_MS[1]:
        raise expected(what)
    return duration_ms


def score_names(name: str, kind: object) -> list[str]:
    """Give what rules may name of a model's score, without ``score.``: its tiers too."""
    return [name, *(f"{name}.{part}" for part in RFM_PARTS if kind == RFM)]


def predicted(value: str) -> tuple[str, bool]:
    """Give the event in the text of a prediction, and whether it is to stay away."""
    is_absence = value.startswith(NO)
    return (value.removeprefix(NO).strip() if is_absence else value), is_absence


def _event_or_none(value: object) -> str:
    event, is_absence = predicted(value) if isinstance(value, str) else ("", False)
    if not 1 <= len(event) <= MAX_EVENT_CHARACTERS:
        raise expected("an event's name, no and an event's name, or {sum: FIELD, of: EVENT}")
    if event == ANY_EVENT:
        raise expected("the name of one event")
    return f"{NO}{event}" if is_absence else str(event)


def _one_event(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_EVENT_CHARACTERS:
        raise expected(f"an event's name, as text of 1 to {MAX_EVENT_CHARACTERS} characters")
    if value == ANY_EVENT:
        raise expected("the name of one event")
    return str(value)


def _kind_like(fits: Callable[[str], bool], form: Any) -> PlainValidator:
    def read(value: object) -> str:
        if not isinstance(value, str) or not fits(value):
            near = nearest(value, (LOGISTIC, BASELINE, RFM)) if isinstance(value, str) else None
            raise expected(_A_KIND, near=near)
        return str(value)

    return read_by(read, form)


def _parameter(value: object) -> Scalar | list[Scalar]:
    if isinstance(value, list):
        if len(value) > MOST_ITEMS:
            raise expected(f"at most {MOST_ITEMS} values")
        return [_scalar(each) for each in value]
    return _scalar(value)


def _scalar(value: object) -> Scalar:
    plain = unquoted(value)
    is_number = isinstance(plain, int | float) and math.isfinite(plain)
    if plain is not None and not is_number and not isinstance(plain, str | bool):
        raise expected("a number, a text, true, false, null, or a list of them")
    return str(plain) if isinstance(plain, str) else plain  # type: ignore[return-value]


Share = Annotated[float, _real(above=0, most=1, below=True)]
Rate = Annotated[float, _real(above=0, most=1)]
Penalty = Annotated[float, _real(most=1)]
"""With a rate of at most 1 too, weights cannot grow without end."""
Weight = Annotated[float, _real(above=0, most=1_000)]
Moves = Annotated[float, _real(above=0, most=1e12)]
Within = Annotated[int | None, read_by(_within, duration_or(SESSION))]
"""None: the rest of the session."""
StepMs = Annotated[int, read_by(_step, text_like("^[0-9]{1,15}(?:s|ms|m|h|d)$"))]
EventOrNone = Annotated[str, read_by(_event_or_none, TEXT)]
OneEvent = Annotated[str, read_by(_one_event, TEXT)]
LogisticKind = Annotated[str, _kind_like(lambda value: value == LOGISTIC, words(LOGISTIC))]
BaselineKind = Annotated[str, _kind_like(lambda value: value == BASELINE, words(BASELINE))]
RfmKind = Annotated[str, _kind_like(lambda value: value == RFM, words(RFM))]
RiverKind = Annotated[str, _kind_like(lambda _: True, text_like(f"^{_RIVER}$"))]
"""Whether River has it is asked in ``model_checks``."""
Parameter = Annotated[Any, read_by(_parameter, Scalar | list[Scalar])]
