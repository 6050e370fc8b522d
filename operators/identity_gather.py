"""Puts together, before profile, the shares of one shard's ticks that identity steps give."""

from collections import Counter, deque
from dataclasses import replace
from itertools import chain

import numpy as np

from operators.identity_plan import Names
from operators.outputs import Outputs
from operators.ticks import ShardTick, TickName


class IdentityGather:
    """Holds a shard's ticks until all their shares are there; restores the order of events.

    Ticks leave in the order in which the shard's own identity step had them, also where a later one
    is complete before: of the shards that have events of a tick, one may be slow. So what that step
    says of an id, that it is a customer's or is forgotten, comes after the id's events before.
    Between two snapshots of the whole flow nothing is held.

    Args:
        shard: whose.
    """

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._parts: dict[TickName, list[ShardTick]] = {}
        self._order: deque[TickName] = deque()

    @property
    def is_empty(self) -> bool:
        """Whether everything that came has left."""
        return not self._parts

    def take(self, part: ShardTick) -> list[ShardTick]:
        """Take a share; return the ticks that are complete now and have none before them."""
        self._parts.setdefault(part.name, []).append(part)
        if part.giver == self._shard:
            self._order.append(part.name)
        whole = []
        while self._order:
            parts = self._parts[self._order[0]]
            if len(parts) < len(parts[0].givers | {self._shard}):
                break
            del self._parts[self._order.popleft()]
            whole.append(_joined(parts))
        return whole


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
