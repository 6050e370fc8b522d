"""Hypothesis strategies: rules under which late events are applied, and messages are taken back."""

from dataclasses import replace

from hypothesis import strategies as st

from oracle import drawn_triggers
from oracle.rules import Rules
from oracle.writing import HOUR_MS, MINUTE_MS

GRACES = st.sampled_from([0, MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 24 * HOUR_MS, 24 * HOUR_MS])
DISORDERS = st.sampled_from([0, 0, 0, MINUTE_MS, 5 * MINUTE_MS])
GAPS = st.sampled_from([MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, 30 * MINUTE_MS])
RETRACTS = st.sampled_from([0, MINUTE_MS, HOUR_MS, HOUR_MS, 24 * HOUR_MS])


@st.composite
def with_grace(draw: st.DrawFn, given: st.SearchStrategy[Rules]) -> Rules:
    """Let more come late, and be applied nevertheless; who is forgotten is so after all of it."""
    rules = draw(given)
    gap_ms, grace_ms = draw(GAPS), draw(GRACES)
    kept = rules.retention_ms
    return replace(
        rules,
        gap_ms=gap_ms,
        grace_ms=grace_ms,
        disorder_ms=draw(DISORDERS),
        retention_ms=None if kept is None else max(kept, gap_ms + grace_ms + 1),
        triggers={
            name: {**trigger, "retract_ms": draw(RETRACTS)}
            for name, trigger in rules.triggers.items()
        },
    )


_WAITS = st.sampled_from([0, 5, 10, 10, 30]).map(lambda minutes: minutes * MINUTE_MS)
_FURTHER = st.builds(
    lambda after_ms, cancel: {"after_ms": after_ms, "cancel": cancel},
    _WAITS.filter(bool),
    st.sampled_from([[], [], ["page"], ["Product Viewed"]]),
)
_JOURNEYS = st.builds(
    lambda optional, **given: given | optional,
    st.fixed_dictionaries({}, optional={"key": st.just("properties.cart_id")}),
    on=st.sampled_from(["Product Added", "Product Added", "any"]),
    after_ms=_WAITS,
    cancel=st.sampled_from([["Order Completed"], ["Order Completed", "page"], []]),
    then=st.lists(_FURTHER, max_size=2),
    restart=st.sampled_from([True, True, False]),
    again=st.sampled_from(["always", "always", 10 * MINUTE_MS]),
    retract_ms=st.sampled_from([0, 30 * MINUTE_MS, 24 * HOUR_MS, 24 * HOUR_MS]),
)


def journeys() -> st.SearchStrategy[Rules]:
    """Draw triggers that send often, and whose messages late cancels take back often."""
    return st.builds(
        lambda triggers, grace_ms: Rules(
            triggers={name: drawn_triggers.settled(one, {}) for name, one in triggers.items()},
            grace_ms=grace_ms,
            disorder_ms=0,
        ),
        st.dictionaries(st.sampled_from(["first", "other"]), _JOURNEYS, min_size=1),
        st.sampled_from([10 * MINUTE_MS, 24 * HOUR_MS, 24 * HOUR_MS]),
    )


def rules(*, arbitrated: bool = False) -> st.SearchStrategy[Rules]:
    """Draw triggers, and (`arbitrated`) what holds their messages back."""
    return with_grace(drawn_triggers.rules(arbitrated=arbitrated))
