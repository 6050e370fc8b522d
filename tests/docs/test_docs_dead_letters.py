"""The table of dead letters in docs/input.md has every reason there is, and no other."""

import json
import re
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import pytest
from docs_pages import ROOT, Page

from config import load
from flows.job import Job, ReplayOptions, replay_job
from flows.privacy import minimizer
from operators.heads import LineReader
from operators.identity_plan import CustomerPath, IdentityPlan
from operators.privacy_plan import PrivacyPlan
from simulation import Simulation

NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
CONFIG = """
name: shop
session: {collect: {revenue: {sum: properties.revenue}, brand: {last: properties.brand}}}
triggers: {left: {on: Product Added, key: properties.cart_id}}
"""
TIME = "2026-01-01T00:00:00Z"
FULL = {"type": "track", "event": "Product Added", "userId": "u1", "timestamp": TIME}
DEEP = "[" * 100_000

BAD = (
    b"x" * (1 << 20) + b"x",
    b"  ",
    b'{"type":"track","event":"\xff"}',
    b"[]",
    b'{"type":"track"',
    b'{"timestamp":1e999}',
    f'{{"type":"page","userId":"u1","timestamp":"{TIME}","other":{DEEP}'.encode(),
    *(
        json.dumps({**FULL, **wrong}).encode()
        for wrong in (
            {"userId": 7},
            {"userId": None, "anonymousId": ["a"]},
            {"userId": None},
            {"userId": "u" * 1001},
            {"userId": "", "anonymousId": "u" * 1001},
            {"timestamp": None},
            {"timestamp": 1767225600},
            {"timestamp": "yesterday"},
            {"timestamp": "2026-01-01T02:00:00Z"},
            {"receivedAt": 1767225600},
            {"receivedAt": "today"},
            {"type": None},
            {"type": ""},
            {"event": None},
            {"event": "e" * 1001},
            {"messageId": 7},
            {"messageId": "m" * 1001},
            {"properties": "none"},
            {"properties": {"revenue": "12"}},
            {"properties": {"brand": ["a"]}},
            {"properties": {"brand": "b" * 1001}},
            {"properties": {"cart_id": True}},
        )
    ),
    json.dumps({name: value for name, value in FULL.items() if name != "type"}).encode(),
    json.dumps({**FULL, "type": "cartwheel.forget"}).encode(),
)

NAMING = IdentityPlan(
    (CustomerPath(("traits", "card")), CustomerPath(("context", "externalIds"), "card")),
    frozenset({"null"}),
    events_most=1,
    keep_ms=1,
)
BAD_NAMES = [
    json.dumps({"timestamp": TIME, **wrong}).encode()
    for wrong in (
        {"traits": {"card": 7}},
        {"traits": {"card": "c" * 1001}},
        {"traits": {"card": "null"}},
        {"traits": "none"},
        {"traits": {}},
        {"context": {"externalIds": {"card": "c"}}},
        {"context": {"externalIds": [{"type": "card", "id": ["c"]}]}},
        {"type": "alias", "traits": {"card": "c"}, "previousId": 7},
        {"type": "identify", "traits": {"card": "c"}, "anonymousId": "a" * 1001},
    )
]

FORGET = {"type": "cartwheel.forget", "userId": "u1", "timestamp": TIME}
BAD_FORGETS = [json.dumps({**FORGET, "suppress": "yes"}).encode()]
LISTS = "[" * 200 + '{"note": 1}' + "]" * 200
TOO_DEEP = json.dumps({**FULL, "properties": None}).replace("null", LISTS).encode()


class Row(NamedTuple):
    """One reason for a dead letter, as the page has it or as the engine gives it."""

    stage: str
    field: str
    reason: str

    def covers(self, found: "Row") -> bool:
        """Tell whether this row of the page is about a dead letter."""
        fields = [
            None if name == "none" else name for name in re.findall(r"`?([\w.]+)`?", self.field)
        ]
        pattern = re.escape(self.reason).replace("…", ".+")
        return (
            self.stage == found.stage
            and ("PATH" in fields or (found.field or None) in fields)
            and re.fullmatch(pattern, found.reason) is not None
        )


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.yaml").write_text(CONFIG)
    options = ReplayOptions(
        files=[],
        out=folder,
        order="time",
        shards=1,
        readers=1,
        workers=1,
        tick_lines=1,
        now_ms=NOW_MS,
        close=False,
    )
    return replay_job(load(folder / "shop.yaml"), options)


def dead_letters(job: Job) -> list[Row]:
    simulation = Simulation(BAD, job.profile, job.decide, now_ms=NOW_MS, shards=1)
    outcome = simulation.run(repeat(100))
    letters = [json.loads(line) for line in outcome.lines["dead-letters"]]
    found = [Row(each["stage"], each["field"], each["reason"]) for each in letters]
    assert len(found) == len(BAD)
    block = b"\n".join(BAD_NAMES)
    names = LineReader(0, NOW_MS, NAMING).read(block, file=0, line=1, offset=0)
    assert len(names.rejected) == len(BAD_NAMES)
    hides = minimizer(PrivacyPlan(drop=(("properties", "note"),)), b"a key")
    hidden = LineReader(0, NOW_MS, minimizer=hides).read(TOO_DEEP, file=0, line=1, offset=0)
    assert len(hidden.rejected) == 1
    listening = replace(job.profile, forgets=True)
    forgets = Simulation(BAD_FORGETS, listening, job.decide, now_ms=NOW_MS, shards=1)
    letters = [json.loads(line) for line in forgets.run(repeat(100)).lines["dead-letters"]]
    assert len(letters) == len(BAD_FORGETS)
    found += [Row(each["stage"], each["field"], each["reason"]) for each in letters]
    rejected = [*names.rejected.values(), *hidden.rejected.values()]
    return found + [Row(each.stage, each.field or None, each.reason) for each in rejected]


def rows_of(path: Path) -> list[Row]:
    rows = re.findall(
        r"^\| (read|route|profile) \| (.+?) \| `(.+?)` \|", Page(path).text, re.MULTILINE
    )
    return [Row(*(text.replace(r"\|", "|") for text in row)) for row in rows]


def test_every_bad_line_is_a_dead_letter_that_the_page_explains(job: Job) -> None:
    rows = rows_of(ROOT / "docs" / "input.md")
    for each in dead_letters(job):
        assert sum(row.covers(each) for row in rows) == 1, each


def test_the_page_names_no_reason_that_does_not_occur(job: Job) -> None:
    found = dead_letters(job)
    for row in rows_of(ROOT / "docs" / "input.md"):
        assert any(row.covers(each) for each in found), row


def test_every_reason_of_the_source_is_tried(job: Job) -> None:
    """A new literal reason must come into the table: it is looked for in what was tried."""
    found = " ".join(each.reason for each in dead_letters(job))
    reasons = []
    for name in ("heads", "naming", "customer_paths", "fields", "event_plans"):
        text = (ROOT / "operators" / f"{name}.py").read_text()
        reasons += re.findall(r'reason = f?"(.+?)["{]', text)
        reasons += re.findall(r'Rejection\("\w+", f?"(.+?)["{]', text)
    assert len(reasons) >= 10
    for reason in reasons:
        assert reason in found, reason
