"""What two configs say differently: by path, in one form, bounded."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import Config, changes_of, load
from config.changes import DURATIONS, NO_RULES, TIMES_OF_DAY
from config.section import Section

BASE = """name: shop
features: {orders: {count: Order Completed}, views: {count: Product Viewed, over: 1h}}
segments: {lookers: "views>=5 and orders==0"}
triggers:
  cart_abandoned: {on: Product Added, after: 2h, channel: email, then: [{after: 1d}, {after: 2d}]}
limits: [{at_most: 2, per: 7d}, {at_most: 5, per: day}, {at_most: 9, per: week}]
quiet_hours: {from: "21:00", to: "08:00"}
holdout: 5%
"""
Loads = Callable[[str], Config]


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    def loaded(text: str) -> Config:
        path = tmp_path / "c.yaml"
        path.write_text(text)
        return load(path, {})

    return loaded


def changed(loads: Loads, *replaced: tuple[str, str]) -> list[str]:
    """Replace parts of the base; give what is told, and the other way round the same reversed."""
    new = BASE
    for old_part, new_part in replaced:
        assert old_part in new, old_part
        new = new.replace(old_part, new_part)
    there = list(changes_of(loads(BASE), loads(new)))
    back = list(changes_of(loads(new), loads(BASE)))
    assert {(one.old, one.new) for one in there} == {(one.new, one.old) for one in back}
    return [f"{path}: {old} → {new}" for path, old, new in there]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("after: 2h", "after: 4h", ["triggers.cart_abandoned.after: 2h → 4h"]),
        ("at_most: 2", "at_most: 1", ["limits[0].at_most: 2 → 1"]),
        ("per: 7d", "per: week", ["limits[0].per: 7d → week"]),
        ("{at_most: 5, per: day}, ", "", ["limits[1]: {at_most: 5, per: day} → None"]),
        (
            "limits: [",
            "limits: [{channel: email, at_most: 1, per: 1h}, ",
            ["limits[0]: None → {channel: email, at_most: 1, per: 1h}"],
        ),
        ("{after: 2d}", "{after: 3d}", ["triggers.cart_abandoned.then[1].after: 2d → 3d"]),
        (
            "on: Product Added,",
            "on: Product Added, cancel: [page, Bought],",
            ["triggers.cart_abandoned.cancel: [] → [Bought, page]"],
        ),
        ("after: 2h", "after: 2h, again: 90m", ["triggers.cart_abandoned.again: always → 90m"]),
        (
            "after: 2h",
            "after: 2h, when: orders>1",
            ["triggers.cart_abandoned.when: None → orders > 1"],
        ),
        ("over: 1h", "over: 2h, pane: 1m", ["features.views.over: 1h → 2h"]),
        (
            "views>=5 and",
            "views >= 6 and",
            ["segments.lookers.when: views >= 5 and orders == 0 → views >= 6 and orders == 0"],
        ),
        ("21:00", "21:30", ["quiet_hours.from: 21:00 → 21:30"]),
        ("holdout: 5%", "holdout: 7.5%", ["holdout.share: 5% → 7.5%"]),
        ("holdout: 5%\n", "", ["holdout: {share: 5%, salt: shop} → None"]),
        ("name: shop", "name: other", ["holdout.salt: shop → other"]),
        ("name: shop", "name: shop\nsession: {gap: 45m}", ["session.gap: 30m → 45m"]),
        ("name: shop", "name: shop\ntime: {idle: off}", ["time.idle: 30s → None"]),
        ("name: shop", "name: shop\nsource: {files: a}\nstate: {compression: none}", []),
        ("after: 2h", "after: 120m", []),
        ("views>=5 and orders==0", "(views >= 5) and (orders == 0)", []),
    ],
)
def test_a_change_is_told_by_its_path(loads: Loads, old: str, new: str, told: list[str]) -> None:
    assert changed(loads, (old, new)) == told


def test_rules_are_told_as_added_and_removed_with_what_they_say(loads: Loads) -> None:
    trigger = "  thanks: {on: Order Completed}\nlimits"
    told = changed(loads, ("limits", trigger), ("segments", "#"))
    assert told == [
        "segments.lookers: {when: views >= 5 and orders == 0, for: 0s, hold: 0s} → None",
        "triggers.thanks: None → {on: Order Completed, after: 0s, again: always, restart: true}",
    ]


def test_long_texts_show_where_they_part(loads: Loads) -> None:
    more = " and ".join(f"orders != {number}" for number in range(50))
    both = [BASE.replace("views>=5", f"{more} and views {sign} 5 and {more}") for sign in "<>"]
    [change] = changes_of(*map(loads, both))
    assert change.old
    assert change.new
    assert max(len(change.old), len(change.new)) <= 100
    assert "views < 5" in change.old
    assert "views > 5" in change.new
    payload = BASE.replace(
        "after: 2h", f"after: 2h, payload: {{v: {{template: 'a\u202e{'x' * 500}'}}}}"
    )
    [change] = changes_of(loads(BASE), loads(payload))
    assert change.new
    assert change.new.isprintable()
    assert len(change.new) == 100


def sections(kind: type[Section] = Section) -> Iterator[type[Section]]:
    for each in kind.__subclasses__():
        yield each
        yield from sections(each)


def test_every_key_in_milliseconds_is_written_as_a_duration_or_a_time_of_day() -> None:
    found = {
        field.alias or name
        for each in sections()
        if not each.__module__.startswith(("config.kafka", "config.scenario"))
        for name, field in each.model_fields.items()
        if name.endswith("_ms")
    }
    assert found == (DURATIONS | TIMES_OF_DAY | {"every"}) - {"again", "per"}


def test_what_is_left_out_is_a_section() -> None:
    assert Config.model_fields.keys() > NO_RULES
