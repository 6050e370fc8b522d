"""What must hold between the keys of features and segments.

A part of ``checks``; the same rules: plain values in, and what is wrong in itself is passed over.
"""

from collections.abc import Iterator, Mapping

from config.features import FEATURE_KINDS, PANES, PERIODS_MS, WINDOW_KEYS, usual_pane_ms
from config.measures import BOUNDS, keys_of, kinds_in
from config.plain import KEY, Finding, Path, duration_at, mapping_at
from config.scopes import RESERVED_NAMES, SESSION_FIELDS
from config.values import ANY_EVENT, format_duration

DURATIONS = {"features": ("over", "half_life"), "segments": ("for", "hold")}
"""The keys with durations that must be below the retention."""

KEPT_MOST = 10_000
"""How many values all panes of one window may keep: 100 KB of a customer's record, or some MB where
they are long texts."""


def check_rules(config: object) -> Iterator[Finding]:
    """Give the path of each key of features and segments that does not go with another."""
    for name, spec in mapping_at(config, "features").items():
        if name in RESERVED_NAMES:
            yield (
                ("features", name, KEY),
                f"{name} has a meaning in expressions: choose another name",
            )
        yield from _windows(("features", name), mapping_at(spec))
    for name in mapping_at(config, "session", "collect"):
        if name in SESSION_FIELDS.keys() - {"start", "events"}:
            path = ("session", "collect", name, KEY)
            yield path, f"session.{name} is the session's own: choose another name"
    for name, segment in mapping_at(config, "segments").items():
        if isinstance(segment, dict):
            yield from _conditions(("segments", name), segment)


def durations_of_rules(config: object) -> Iterator[Path]:
    """Give the paths of what must be below the retention."""
    for section, keys in DURATIONS.items():
        for name in mapping_at(config, section):
            yield from ((section, name, key) for key in keys)


def periods(config: object) -> Iterator[tuple[Path, int]]:
    """Give the path and the length of each calendar window."""
    for name, spec in mapping_at(config, "features").items():
        per = mapping_at(spec).get("per")
        if isinstance(per, str) and per in PERIODS_MS:
            yield ("features", name, "per"), PERIODS_MS[per]


def _windows(path: Path, spec: Mapping[str, object]) -> Iterator[Finding]:
    kinds = kinds_in(spec, FEATURE_KINDS)
    valid = keys_of(FEATURE_KINDS[kinds[0]]) if len(kinds) == 1 else []
    given = [key for key in WINDOW_KEYS if key in spec and key in valid]
    if len(given) > 1:
        others = [key for key in spec if key in given]
        yield (*path, others[1], KEY), f"found beside {others[0]}, expected one of the two"
    for key, needed in (("pane", "over"), ("zone", "per")):
        if key in spec and key in valid and needed not in spec:
            yield (*path, key, KEY), f"found without {needed}, goes with {needed} only"
    if spec.get("since") == ANY_EVENT:
        yield (*path, "since"), "found any, expected the name of one event"
    yield from _pane(path, spec)
    if len(kinds) == 1:
        yield from _kept(path, spec, kinds[0])


def _kept(path: Path, spec: Mapping[str, object], kind: str) -> Iterator[Finding]:
    """Find windows each of whose panes may keep so many values that a customer grows too large."""
    usual, _ = BOUNDS.get(kind, (0, 0))
    at_most = spec.get("at_most", usual)
    over_ms = duration_at(spec, "over")
    if not over_ms or not isinstance(at_most, int) or not at_most:
        return
    panes = over_ms // (duration_at(spec, "pane") or usual_pane_ms(over_ms))
    if at_most * panes > KEPT_MOST:
        key = "at_most" if "at_most" in spec else "pane" if "pane" in spec else "over"
        found = f"found {panes:,} panes that keep up to {at_most:,} values each"
        expected = f"expected at most {KEPT_MOST:,} values together"
        yield (*path, key), f"{found}, {expected}: a smaller at_most, or a longer pane"


def _pane(path: Path, spec: Mapping[str, object]) -> Iterator[Finding]:
    over_ms, pane_ms = duration_at(spec, "over"), duration_at(spec, "pane")
    if not over_ms or not pane_ms:
        return
    fewest, most = PANES
    if over_ms % pane_ms or not fewest <= over_ms // pane_ms <= most:
        found, whole = format_duration(pane_ms), format_duration(over_ms)
        usual = format_duration(usual_pane_ms(over_ms))
        fits = f"that fits into it {fewest} to {most:,} times, such as {usual}"
        yield (*path, "pane"), f"found {found}, expected a part of over ({whole}) {fits}"


def _conditions(path: Path, segment: Mapping[str, object]) -> Iterator[Finding]:
    if "when" in segment:
        for key in ("enter", "leave"):
            if key in segment:
                yield (*path, key, KEY), "found beside when, expected when, or enter and leave"
        return
    missing = [key for key in ("enter", "leave") if key not in segment]
    if len(missing) == 1:
        yield (*path, KEY), f'the key "{missing[0]}" is missing: enter and leave stand together'
    elif missing and segment.keys() <= {"for", "hold"}:  # others may be misspelt
        yield (*path, KEY), 'the key "when" is missing, or "enter" and "leave"'
