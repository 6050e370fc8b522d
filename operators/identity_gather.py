"""Puts together, before profile, the shares of one shard's ticks that all identity shards give."""

from collections import Counter
from dataclasses import replace
from itertools import chain

import numpy as np

from operators.identity_plan import Names
from operators.outputs import Outputs
from operators.ticks import ShardTick, TickName


class IdentityGather:
    """Holds a shard's ticks until every shard has given its share; restores the order of events.

    Between two snapshots of the whole flow nothing is held.

    Args:
        shards: how many.
    """

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._parts: dict[TickName, list[ShardTick]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether everything that came has left."""
        return not self._parts

    def take(self, part: ShardTick) -> list[ShardTick]:
        """Take a share; return the tick if it is complete now."""
        parts = self._parts.setdefault(part.name, [])
        parts.append(part)
        if len(parts) < self._shards:
            return []
        del self._parts[part.name]
        return [_joined(parts)]


def _joined(parts: list[ShardTick]) -> ShardTick:
    """Make one tick of its parts, with the events in the order in which they were read."""
    full = [each for each in parts if each.customers] or parts[:1]
    tick = full[0] if len(full) == 1 else _in_order(full)
    outputs, counts = Outputs(), Counter[str]()
    for each in parts:
        if each.counts:
            counts.update(each.counts)
        for kind, some in each.outputs.kinds.items():
            for output in some:
                outputs.add(kind, output)
    return replace(
        tick,
        counts=counts,
        outputs=outputs,
        gone=[gone for each in parts for gone in each.gone],
        joins=sorted(chain.from_iterable(each.joins for each in parts)),
        ends=sorted(chain.from_iterable(each.ends for each in parts)),
    )


def _in_order(parts: list[ShardTick]) -> ShardTick:
    orders = [each.order for each in parts if each.order is not None]
    assert len(orders) == len(parts), "events have places where ids are linked"
    order = np.concatenate(orders)
    first = parts[0]
    lines = [each.line(i) for each in parts for i in range(len(each.customers))]
    envelopes, before = {}, 0
    for each in parts:
        envelopes.update({before + i: envelope for i, envelope in each.envelopes.items()})
        before += len(each.customers)
    whole = replace(
        first,
        lines=b"\n".join(lines),
        customers=[customer for each in parts for customer in each.customers],
        times=np.concatenate([each.times for each in parts]),
        late_below=np.concatenate([each.late_below for each in parts]),
        watermarks=np.concatenate([each.watermarks for each in parts]),
        places=np.concatenate([each.places for each in parts], axis=1),
        envelopes=envelopes,
        order=order,
        names=Names(
            np.concatenate([each.names.naming for each in parts if each.names]),
            [name for each in parts if each.names for name in each.names.anonymous],
        ),
        _split=lines,
    )
    return whole.take(np.argsort(order, kind="stable").tolist())
