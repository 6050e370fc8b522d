"""Traffic that was recorded elsewhere: imported, replayed, and compared with the oracle.

The sets are not part of the project: CARTWHEEL_DATA says where they are.
"""

import argparse
import os
from pathlib import Path

import pytest

from cartwheel import import_
from engine_checks import assert_as_expected, engine
from oracle import Rules, run
from oracle.writing import NOW_MS

DATA = Path(os.environ.get("CARTWHEEL_DATA", Path(__file__).parents[3] / "shared" / "data"))

RULES = Rules(
    gap_ms=30 * 60_000,
    collect={
        "views": {"count": "Product Viewed"},
        "spent": {"sum": "properties.price", "of": "Order Completed"},
        "dearest": {"max": "properties.price"},
        "landed_on": {"first": "properties.product_id"},
        "brands": {"distinct": "properties.brand"},
    },
    triggers={
        "cart_abandoned": {
            "on": "Product Added",
            "key": None,
            "after_ms": 30 * 60_000,
            "cancel": ["Order Completed"],
            "again": 24 * 3_600_000,
            "restart": True,
        },
        "looked_at": {
            "on": "Product Viewed",
            "key": "properties.product_id",
            "after_ms": 10 * 60_000,
            "cancel": ["Product Added"],
            "again": "never",
            "restart": False,
        },
    },
    disorder_ms=5000,
    future_ms=3_600_000,
)


@pytest.mark.parametrize(
    ("name", "path", "events"),
    [
        ("rees46", "rees46/2019-Oct-head.csv.gz", 17_434),
        ("taobao", "taobao/UserBehavior.csv.gz", 96_168),
    ],
)
def test_recorded_traffic_gives_what_the_oracle_gives(
    name: str, path: str, events: int, tmp_path: Path
) -> None:
    source = DATA / path
    if not source.exists():
        pytest.skip(f"{source} IS MISSING: set CARTWHEEL_DATA to the folder of the recorded sets")
    parser = argparse.ArgumentParser()
    import_.add_arguments(parser)
    imported = tmp_path / "events.jsonl"
    assert import_.run(parser.parse_args([name, str(source), "--out", str(imported)])) == 0
    raw = imported.read_bytes().splitlines()
    assert len(raw) == events
    outcome = engine(raw, RULES, [4096], cache=5000, close=True)
    assert_as_expected(outcome, run(raw, RULES, now_ms=NOW_MS, close=True), RULES)
    assert outcome.lines["sessions"]
    assert outcome.lines["decisions"]
