"""A hypothesis strategy: rules to read the streams with."""

from hypothesis import strategies as st

from oracle.rules import Rules, Trigger
from oracle.writing import HOUR_MS, MINUTE_MS


def rules(*, retention: bool = True) -> st.SearchStrategy[Rules]:
    """Rules whose gaps, waits and disorder are of the size of the streams' steps.

    With `retention` some have customers forgotten within a stream.
    """
    return st.builds(
        Rules,
        gap_ms=_minutes(1, 2, 5, 30),
        collect=st.dictionaries(st.sampled_from(["x", "y", "z"]), _collect()),
        triggers=st.dictionaries(st.sampled_from(["first", "second"]), _triggers(), min_size=1),
        disorder_ms=_minutes(0, 1, 3, 10, 10, 60, 24 * 60),
        future_ms=st.just(HOUR_MS),
        retention_ms=st.sampled_from([None, None, 61 * MINUTE_MS] if retention else [None]),
    )


def _minutes(*minutes: int) -> st.SearchStrategy[int]:
    return st.sampled_from([minute * MINUTE_MS for minute in minutes])


def _collect() -> st.SearchStrategy[dict[str, str]]:
    names = ["Product Viewed", "Product Added", "Order Completed", "page"]
    values = [*["properties.category"] * 3, "properties.price", "context.page.path"]
    counts = st.builds(lambda name: {"count": name}, st.sampled_from(names))
    numbers = st.builds(
        lambda kind: {kind: "properties.price"}, st.sampled_from(["sum", "min", "max"])
    )
    others = st.builds(
        lambda kind, path: {kind: path},
        st.sampled_from(["first", "last", "distinct"]),
        st.sampled_from(values),
    )
    of = st.sampled_from([{}, *({"of": name} for name in names)])
    return st.one_of(counts, st.builds(lambda spec, of: spec | of, st.one_of(numbers, others), of))


def _triggers() -> st.SearchStrategy[Trigger]:
    ends = ["Order Completed", "page", "Product Viewed"]
    return st.builds(
        Trigger,
        on=st.sampled_from(["Product Added", "Product Added", "identify"]),
        key=st.sampled_from([None, "properties.cart_id"]),
        after_ms=_minutes(0, 0, 1, 2, 5, 5, 10),
        cancel=st.sampled_from([[], *[ends[:1]] * 3, ends[:2], ends]),
        again=st.one_of(st.sampled_from(["always", "always", "never"]), _minutes(1, 5, 60)),
        restart=st.sampled_from([True, True, False]),
    )
