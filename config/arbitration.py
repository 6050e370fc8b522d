"""What holds for the messages of all triggers together: limits, quiet hours, a holdout."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.environment import Substituted
from config.forms import TEXT, duration_or, text_like
from config.section import Section
from config.values import (
    ConfigName,
    expected,
    format_duration,
    given,
    one_of,
    parse_duration,
    read_by,
    whole,
)
from config.wording import nearest
from config.zones import Zone

MOST_LIMITS = 100
ALLOWED_MOST = 1_000
"""How many messages a limit may let out: as many as are remembered of one customer."""
MOST_HELD_OUT = 500_000
"""Of a million customers."""
CALENDAR = ("day", "week")
_MEANT_BY = {"hour": "1h", "month": "30d", "year": "365d"}
"""Durations for what is no part of the calendar here."""
MAX_SALT_CHARACTERS = 200

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_NEARLY_TIME = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?::00)?")
_SHARE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?%")
_MINUTE_MS = 60_000


def _per(value: object) -> str | int:
    if value in CALENDAR:
        return str(value)
    try:
        duration_ms = parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        near = _MEANT_BY.get(value) or nearest(value, CALENDAR) if isinstance(value, str) else None
        raise expected(f"day, week or {error}", near=near) from None
    if not duration_ms:
        raise expected("a duration of at least 1ms")
    return duration_ms


class Limit(Section):
    """At most so many messages for one customer in some time."""

    channel: Annotated[ConfigName | None, given("a channel's name", TEXT)] = None
    """Only messages of this channel count, and are held back."""
    trigger: Annotated[ConfigName | None, given("a trigger's name", TEXT)] = None
    """Only messages of this trigger."""
    tag: Annotated[ConfigName | None, given("a tag", TEXT)] = None
    """Only messages of triggers with this tag."""
    at_most: Annotated[int, whole(1, ALLOWED_MOST)]
    """How many."""
    per: Annotated[Literal["day", "week"] | int, read_by(_per, duration_or(*CALENDAR))]
    """In the last so long, or in a calendar day or week."""
    zone: Zone = None
    """Whose days and weeks these are; None: the customer's."""

    @property
    def written(self) -> str:
        """The limit in the file's words: ``at most 3 per 7d, channel email``."""
        per = format_duration(self.per) if isinstance(self.per, int) else self.per
        about = (("channel", self.channel), ("trigger", self.trigger), ("tag", self.tag))
        more = (f", {key} {name}" for key, name in (*about, ("zone", self.zone)) if name)
        return f"at most {self.at_most} per {per}{''.join(more)}"


def _time_of_day(value: object) -> int:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise expected('a time of day from "00:00" to "23:59"', near=_meant(value))
    return (int(match[1]) * 60 + int(match[2])) * _MINUTE_MS


def _meant(value: object) -> str | None:
    """Give the time of day that was probably meant: ``9`` is ``09:00``, ``24:00`` is ``00:00``."""
    if isinstance(value, bool | float | Substituted):
        return None
    match = _NEARLY_TIME.fullmatch(str(value))
    if match is None:
        return None
    hour, minute = int(match[1]), match[2] or "00"
    meant = f"{0 if hour == 24 else hour:02}:{minute}"  # noqa: PLR2004 (midnight)
    return meant if _TIME.fullmatch(meant) else None


TimeOfDayMs = Annotated[int, read_by(_time_of_day, text_like(f"^{_TIME.pattern}$"))]


class QuietHours(Section):
    """When no messages are sent, by the clock where the customer is."""

    from_ms: TimeOfDayMs = Field(alias="from")
    """The first moment."""
    to_ms: TimeOfDayMs = Field(alias="to")
    """The first moment after them."""
    zone: Zone = None
    """By whose clock; None: the customer's."""
    then: Annotated[Literal["hold", "drop"], one_of("hold", "drop")] = "hold"
    """Whether messages wait until the end, or are not sent at all."""

    @property
    def written(self) -> str:
        """From when to when, as the file has it."""
        times = (divmod(each // _MINUTE_MS, 60) for each in (self.from_ms, self.to_ms))
        return " to ".join(f"{hour:02}:{minute:02}" for hour, minute in times)

    @property
    def length_ms(self) -> int:
        """How long they are on a day on which the clocks are not changed."""
        return (self.to_ms - self.from_ms) % (24 * 60 * _MINUTE_MS)


def _share(value: object) -> int:
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    millionths = int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0")) if match else -1
    if not 0 <= millionths <= MOST_HELD_OUT:
        near = _meant_share(value)
        raise expected("a share from 0% to 50%, with at most four decimals", near=near)
    return millionths


def _meant_share(value: object) -> str | None:
    """Give the share that was probably meant: ``5`` is ``5%``, and ``0.1`` is ``10%``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_part = 0 < value <= MOST_HELD_OUT / 1_000_000
    meant = f"{value * 100:g}%" if is_part else f"{value}%"
    return meant if _SHARE.fullmatch(meant) else None


def _salt(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SALT_CHARACTERS:
        raise expected(f"a text of 1 to {MAX_SALT_CHARACTERS} characters")
    return str(value)


_SHARE_FORM = text_like(f"^{_SHARE.pattern}$")


class Holdout(Section):
    """Customers who get no messages, so that what messages do can be measured."""

    share_millionths: Annotated[int, read_by(_share, _SHARE_FORM)] = Field(alias="share")
    """How many of them."""
    salt: Annotated[str | None, read_by(_salt, TEXT)] = None
    """Who is among them depends on this text; None: on the config's name."""

    @property
    def written(self) -> str:
        """The share, as the file has it."""
        percent, rest = divmod(self.share_millionths, 10_000)
        return f"{percent}.{rest:04}".rstrip("0").rstrip(".") + "%"


def _as_mapping(value: object) -> object:
    return value if isinstance(value, dict | Holdout) else {"share": value}


HoldoutOrShare = Annotated[
    Holdout, BeforeValidator(_as_mapping, json_schema_input_type=_SHARE_FORM | Holdout)
]
"""A share may stand for the holdout."""
