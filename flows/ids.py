"""Looks up what a state knows of ids: whose an anonymous one is, and which are a customer's."""

import msgspec

from operators.names import Named
from operators.route import shard_of
from operators.times import format_time
from state.folder import StateFolder
from state.prefixes import Prefix
from state.reading import read_committed_version
from state.records import record_key

_named = msgspec.msgpack.Decoder(Named)


class Waiting(msgspec.Struct, frozen=True):
    """An anonymous event that waits for its customer: when it was, and what is left of it."""

    time: str
    event: msgspec.Raw


class Ids(msgspec.Struct, frozen=True):
    """What is known of an id.

    Attributes:
        belongs_to: the customer to whom it is linked, None for nobody.
        linked: the anonymous ids that are linked to it.
        events: that are kept of it until it is linked.
    """

    belongs_to: str | None
    linked: list[str]
    events: list[Waiting]


def owner_of(folder: StateFolder, anonymous: str) -> str | None:
    """Return to whom an anonymous id is linked, None for nobody.

    Raises:
        StateError: the state cannot be read.
    """
    named = _read(folder, anonymous)
    return named.customer or None if named else None


def ids_of(folder: StateFolder, name: str) -> Ids | None:
    """Gather what is known of an id, looking through all shards; None where that is nothing.

    Raises:
        StateError: the state cannot be read.
    """
    named = _read(folder, name)
    linked = []
    for shard in range(folder.identity().shards):
        found = read_committed_version(
            folder.shard(shard),
            prefixes=[Prefix.NAME.key],
            wanted=lambda value: _named.decode(value).customer == name,
        )
        linked += [_named.decode(value).name for value in found.entries.values()]
    if named is None and not linked:
        return None
    kept = named.events if named else []
    return Ids(
        belongs_to=named.customer or None if named else None,
        linked=sorted(linked),
        events=[Waiting(format_time(each.time), msgspec.Raw(each.line)) for each in kept],
    )


def _read(folder: StateFolder, name: str) -> Named | None:
    shard = shard_of(name, folder.identity().shards)
    found = read_committed_version(folder.shard(shard), keys=[record_key(Prefix.NAME, name)])
    [value] = found.values
    return _named.decode(value) if value else None
