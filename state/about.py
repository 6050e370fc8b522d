"""What a shard's RocksDB says about itself: format, version and the layouts of its records."""

import msgspec

from state.errors import StateError
from state.keyvalue import KeyValue
from state.prefixes import Prefix

FORMAT = 3
"""Raised when the keys or records of a shard change in a way that older ones cannot be read."""

_KEY = Prefix.ABOUT.key
_BEGINNING = -(1 << 62)


class Layout(msgspec.Struct, array_like=True):
    """Which values profiles hold: a text for each, which changes when what it stands for does.

    Attributes:
        session: of the values in each session.
        features: of the values of the whole profile.
        since: the watermark when the layout was first used.
    """

    session: list[str]
    features: list[str]
    since: int = 0


class View(msgspec.Struct, array_like=True):
    """What customers' records were last looked at with.

    Attributes:
        slots: a text for each value of a row, which changes when what it stands for does.
        segments: the name of each segment.
        definitions: of each segment, a text that changes when members are to be asked anew.
        since: the watermark when the view was first used.
        attributes: a text that changes when what is said of customers from outside does.
    """

    slots: list[str]
    segments: list[str]
    definitions: list[str]
    since: int = 0
    attributes: str = ""


class Attributes(msgspec.Struct, array_like=True):
    """What stands under Prefix.ATTRIBUTES.

    Attributes:
        version: of the table that it is a part of; empty where there is nothing.
        source: a text that changes when values may have changed.
        columns: the name of each value of an entry.
    """

    version: str = ""
    source: str = ""
    columns: list[str] = []


class About(msgspec.Struct):
    """The one record under Prefix.ABOUT.

    Attributes:
        format: the number of the format that wrote the shard.
        shard: the name of the shard's folder, empty before the first version.
        version: the version's name, likewise; other shards have versions of the same name.
        ticks: the last tick of each reader that is in the version.
        watermark: the shard's after them.
        layouts: every layout that profiles were written with; a profile names its own by number.
        views: every view that customers' records were looked at with; a record names its own.
        reached: the number of the view that all records have been looked at with.
        attributes: of customers.
    """

    format: int = FORMAT
    shard: str = ""
    version: str = ""
    ticks: list[int] = []
    watermark: int = _BEGINNING
    layouts: list[Layout] = []
    views: list[View] = []
    reached: int = 0
    attributes: Attributes = msgspec.field(default_factory=Attributes)

    def layout_number(self, layout: Layout, watermark: int) -> int:
        """Return the number of the layout that is used from now on; a change adds one.

        The first is of the beginning, though ticks have passed by: no record is older.
        """
        last = self.layouts[-1] if self.layouts else None
        if last is None or (last.session, last.features) != (layout.session, layout.features):
            layout.since = _BEGINNING if last is None else watermark
            self.layouts.append(layout)
        return len(self.layouts) - 1

    def view_number(self, view: View, watermark: int) -> int:
        """Return the number of the view that is used from now on; a change adds one.

        What no record names any more is emptied, its number stays. The first is of the beginning.
        """
        last = self.views[-1] if self.views else None
        if last is None or _seen(last) != _seen(view):
            view.since = _BEGINNING if last is None else watermark
            self.views[: self.reached] = [_NO_VIEW] * self.reached
            self.views.append(view)
        return len(self.views) - 1


_NO_VIEW = View([], [], [])


def _seen(view: View) -> tuple[list[str], list[str], list[str], str]:
    return view.slots, view.segments, view.definitions, view.attributes


class _Format(msgspec.Struct):
    """The one field that every format has."""

    format: int


def read_about(keyvalue: KeyValue, place: str) -> About:
    """Read the record; a new shard gets an empty one.

    Raises:
        StateError: the shard was written in another format.
    """
    (value,) = keyvalue.get_many([_KEY])
    if value is None:
        return About()
    about_format = msgspec.msgpack.decode(value, type=_Format).format
    if about_format != FORMAT:
        raise StateError(
            f"{place} has format {about_format}, this program reads format {FORMAT};"
            " use the program that made it, or start a new state"
        )
    return msgspec.msgpack.decode(value, type=About)


def write_about(keyvalue: KeyValue, about: About) -> None:
    """Write the record."""
    keyvalue.put(_KEY, msgspec.msgpack.encode(about))
