"""`cartwheel test`: what it prints, its exit codes, and its files for build servers."""

import errno
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from cartwheel.app import main
from cartwheel.scenarios import _load_all
from config import LoadedScenarios, load

ROOT = Path(__file__).parents[2]

CONFIG = """
name: shop
time: {disorder: 1m}
session: {gap: 10m, collect: {views: {count: Product Viewed}}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  orders: {count: Order Completed}
  last_order: {time: Order Completed}
  cart: {sum: properties.price, of: Product Added, since: Order Completed}
  items: {recent: properties.sku, of: Product Added}
segments:
  lookers: views_1h >= 2
  visiting: session.views > 0
  lapsed: since(last_order) > 30m
  german: trait.country == "DE"
triggers:
  abandoned:
    {on: Product Added, key: properties.cart, after: 30m, cancel: Order Completed, again: 1d}
  welcome: {on: identify}
"""

ADDED = (
    "{at: 10:00, customer: ann, event: Product Added, properties: {cart: c1, price: 30, sku: a}}"
)
ORDERED = "{at: 10:10, customer: ann, event: Order Completed}"
VIEWED = "{at: 10:20, customer: ann, event: Product Viewed}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(CONFIG)
    return tmp_path


def scenario(events: list[str], expect: list[str], *more: str, name: str = "it") -> str:
    lines = [f"  - name: {name}", "    events:", *(f"      - {each}" for each in events)]
    lines += ["    expect:", *(f"      - {each}" for each in expect)] if expect else []
    return "\n".join([*lines, *(f"    {each}" for each in more)]) + "\n"


def write(folder: Path, *scenarios: str, name: str = "s.yaml") -> Path:
    path = folder / name
    path.write_text("start: 2026-01-05T10:00:00Z\nscenarios:\n" + "".join(scenarios))
    return path


def outcome(
    shop: Path, capsys: pytest.CaptureFixture[str], *scenarios: str, words: tuple[str, ...] = ()
) -> tuple[int, str]:
    """Run scenarios; give the exit code and what was printed, without the folder's name."""
    path = write(shop, *scenarios)
    capsys.readouterr()
    exit_code = main(["test", str(shop / "shop.yaml"), str(path), *words])
    printed = capsys.readouterr()
    return exit_code, (printed.out + printed.err).replace(f"{shop}/", "")


def test_what_happens_as_expected_is_ok(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = scenario([ADDED], ["{at: 10:30, customer: ann, trigger: abandoned}"])
    assert outcome(shop, capsys, told) == (0, "ok     s.yaml: it\n1 scenario, 0 failed\n")


def test_each_kind_of_expectation_may_be_met(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    identify = "{at: 09:00, customer: ann, type: identify, traits: {country: DE}}"
    again = "{at: 11:00, customer: ann, event: Product Added, properties: {cart: c2, sku: b}}"
    expect = [
        "{at: 09:00, customer: ann, trigger: welcome, payload: {}, step: 1}",
        "{at: 09:00, customer: ann, segment: german, in: true}",
        "{at: 08:59, customer: ann, segment: german, in: false}",
        "{at: 08:59, customer: ann, feature: orders, value: 0}",
        "{at: +0s, customer: ann, feature: cart, value: 30}",
        "{at: 10:09:59.999, customer: ann, feature: cart, value: 30.0}",
        "{at: 10:10, customer: ann, feature: cart, value: 0}",
        "{at: 10:10, customer: ann, trigger: abandoned, outcome: cancelled, key: c1}",
        "{at: 10:10, customer: ann, feature: last_order, value: 2026-01-05T11:10:00+01:00}",
        "{at: 10:30, customer: ann, feature: session.views, value: 1}",
        '{at: "10:30:00.001", customer: ann, feature: session.views, value: null}',
        "{at: 10:40, customer: ann, segment: lapsed, in: false}",
        "{at: +40m1ms, customer: ann, segment: lapsed, in: true}",
        "{at: 11:00, customer: ann, feature: items, value: [a, b]}",
        "{at: 11:30, customer: ann, trigger: abandoned, key: c2}",
    ]
    exit_code, told = outcome(
        shop, capsys, scenario([identify, ADDED, ORDERED, VIEWED, again], expect)
    )
    assert (exit_code, told.splitlines()[1:]) == (0, ["1 scenario, 0 failed"]), told


FAILURES = [
    (
        [ADDED],
        ["{at: 10:31, customer: ann, trigger: abandoned}"],
        [
            "  s.yaml:7:9: expected abandoned for ann: sent at 2026-01-05T10:31:00Z",
            "    but it was sent at 2026-01-05T10:30:00Z, key c1",
        ],
    ),
    (
        [ADDED, ORDERED],
        ["{at: 10:30, customer: ann, trigger: abandoned}"],
        [
            "  s.yaml:8:9: expected abandoned for ann: sent at 2026-01-05T10:30:00Z",
            "    but it was cancelled at 2026-01-05T10:10:00Z, key c1",
        ],
    ),
    (
        [ADDED],
        ["{at: 10:20, customer: ann, trigger: abandoned}"],
        [
            "  s.yaml:7:9: expected abandoned for ann: sent at 2026-01-05T10:20:00Z",
            "    but, without further events, it will be sent at 2026-01-05T10:30:00Z, key c1",
        ],
    ),
    (
        [VIEWED],
        ["{at: 11:00, customer: ann, trigger: abandoned, outcome: suppressed, reason: again}"],
        [
            "  s.yaml:7:9: expected abandoned for ann: suppressed at 2026-01-05T11:00:00Z, again",
            "    but nothing started abandoned for ann",
        ],
    ),
    (
        [ADDED],
        ["{at: 10:30, customer: ann, trigger: abandoned}"] * 2,
        [
            "  s.yaml:8:9: expected abandoned for ann: sent at 2026-01-05T10:30:00Z",
            "    but each decision that came stands for another line",
        ],
    ),
    (
        [ADDED],
        ["{at: 10:30, customer: ann, trigger: abandoned, payload: {value: 5}}"],
        [
            "  s.yaml:7:9: expected abandoned for ann: sent at 2026-01-05T10:30:00Z",
            "    but it was sent at 2026-01-05T10:30:00Z, key c1; payload.value is missing, not 5",
        ],
    ),
    (
        [ADDED],
        [
            "{at: 10:30, customer: ann, trigger: abandoned, key: c2}",
            "{at: 10:20, customer: ann, trigger: abandoned, outcome: expired}",
        ],
        [
            "  s.yaml:7:9: expected abandoned for ann: sent at 2026-01-05T10:30:00Z, key c2",
            "    but it was sent at 2026-01-05T10:30:00Z, key c1",
            "  s.yaml:8:9: expected abandoned for ann: expired at 2026-01-05T10:20:00Z",
            "    but each decision that came stands for another line",
        ],
    ),
    (
        [ADDED],
        ["{at: 10:30, customer: ann, trigger: abandoned, step: 2}"],
        [
            "  s.yaml:7:9: expected abandoned for ann: sent at 2026-01-05T10:30:00Z, step 2",
            "    but it was sent at 2026-01-05T10:30:00Z, key c1, step 1",
        ],
    ),
    (
        [ADDED, "{at: 10:10, customer: bob, type: identify}"],
        [
            "{at: 10:31, customer: ann, trigger: abandoned}",
            "{at: 10:10, customer: bob, trigger: welcome, key: c9}",
        ],
        [
            "  s.yaml:8:9: expected abandoned for ann: sent at 2026-01-05T10:31:00Z",
            "    but it was sent at 2026-01-05T10:30:00Z, key c1",
            "  s.yaml:9:9: expected welcome for bob: sent at 2026-01-05T10:10:00Z, key c9",
            "    but it was sent at 2026-01-05T10:10:00Z, without a key",
        ],
    ),
    (
        [ADDED, ADDED.replace("ann", "bob")],
        ["{at: 10:31, customer: ann, trigger: abandoned}"],
        [
            "  s.yaml:3:11: not expected abandoned for bob: sent at 2026-01-05T10:30:00Z, key c1",
            "    list it under expect, or say partial: true",
            "  s.yaml:8:9: expected abandoned for ann: sent at 2026-01-05T10:31:00Z",
            "    but it was sent at 2026-01-05T10:30:00Z, key c1",
        ],
    ),
    (
        [VIEWED],
        [
            "{at: 10:20, customer: ann, segment: lookers, in: true}",
            "{at: 10:20, customer: ann, segment: visiting, in: false}",
            "{at: 10:20, customer: ann, feature: views_1h, value: 2}",
            "{at: 10:20, customer: ann, feature: last_order, value: 2026-01-05T10:20:00Z}",
            "{at: 10:20, customer: ann, feature: items, value: null}",
        ],
        [
            "  s.yaml:7:9: expected ann at 2026-01-05T10:20:00Z: in lookers",
            "    but not in lookers",
            "  s.yaml:8:9: expected ann at 2026-01-05T10:20:00Z: not in visiting",
            "    but in visiting",
            "  s.yaml:9:9: expected ann at 2026-01-05T10:20:00Z: views_1h is 2",
            "    but it is 1",
            (
                "  s.yaml:10:9: expected ann at 2026-01-05T10:20:00Z: last_order is"
                ' "2026-01-05T10:20:00Z"'
            ),
            "    but it is missing",
        ],
    ),
    (
        ['{at: 10:00, customer: ann, event: Product Added, properties: {price: "30"}}'],
        [],
        [
            "  s.yaml:5:9: this is no event",
            "    properties.price: Expected float | null, got str",
        ],
    ),
    (
        [ORDERED, "{at: 10:08, customer: bob, event: tick}"],
        [],
        [
            "  s.yaml:6:9: this event, at 2026-01-05T10:08:00Z, is late",
            "    an event above it is more than time.disorder (1m) later",
        ],
    ),
    (
        [ORDERED, "{at: 10:09:30, customer: ann, event: tick}"],
        ["{at: 10:09:45, customer: ann, feature: orders, value: 0}"],
        [
            "  s.yaml:6:9: this event, at 2026-01-05T10:09:30Z, is late",
            (
                "    it stands below a later one, and something is expected in between, at"
                " 2026-01-05T10:09:45Z"
            ),
        ],
    ),
]


@pytest.mark.parametrize(("events", "expect", "lines"), FAILURES)
def test_what_is_otherwise_is_told_with_what_came_instead(
    events: list[str],
    expect: list[str],
    lines: list[str],
    shop: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_code, told = outcome(shop, capsys, scenario(events, expect))
    assert told.splitlines() == ["FAILED s.yaml: it", *lines, "1 scenario, 1 failed"]
    assert exit_code == 1


def test_an_event_that_no_rule_knows_is_doubted_where_one_is_near(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["Product Add", "order completed", "Product Removed", "tick", "Product Viewed"]
    events = [f"{{at: 10:00, customer: ann, event: {name}}}" for name in names]
    exit_code, told = outcome(shop, capsys, scenario(events, []))
    assert exit_code == 0
    where = "warning: scenarios[0].events"
    assert [line for line in told.splitlines() if "warning" in line] == [
        (
            f's.yaml:5:43: {where}[0].event: no rule knows "Product Add"; did you mean'
            ' "Product Added"?'
        ),
        (
            f's.yaml:6:43: {where}[1].event: no rule knows "order completed"; did you mean'
            ' "Order Completed"?'
        ),
    ]
    exit_code, told = outcome(shop, capsys, scenario(events, []), words=("--json",))
    found: Any = json.loads(told)
    assert (exit_code, found["ok"]) == (0, True)
    assert [(each["line"], each["column"]) for each in found["warnings"]] == [(5, 43), (6, 43)]


def test_a_pipe_is_no_scenario_file_and_nothing_waits_for_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(shop / "pipe.yaml")
    (shop / "folder").mkdir()
    os.mkfifo(shop / "folder" / "in.yaml")
    words = (str(shop / "pipe.yaml"), str(shop / "folder"))
    exit_code, told = outcome(shop, capsys, scenario([VIEWED], []), words=words)
    assert (exit_code, told.splitlines()) == (
        2,
        [
            "pipe.yaml:1:1: found no regular file, expected one",
            "folder/in.yaml:1:1: found no regular file, expected one",
        ],
    )


def test_events_that_arrive_a_little_late_are_taken(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [ORDERED, "{at: 10:09:30, customer: ann, event: Product Added}"]
    cancelled = "{at: 10:10, customer: ann, trigger: abandoned, outcome: cancelled}"
    assert outcome(shop, capsys, scenario(events, [cancelled]))[0] == 0


def test_a_message_that_is_not_listed_fails_unless_partial(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(shop, capsys, scenario([ADDED], [], "until: 10:29:59.999"))[0] == 0
    assert outcome(shop, capsys, scenario([ADDED], [], "until: 10:30"))[0] == 1
    assert outcome(shop, capsys, scenario([ADDED], [], "until: 10:30", "partial: true"))[0] == 0
    expect = ["{at: 10:29, customer: ann, trigger: abandoned}"]
    assert outcome(shop, capsys, scenario([ADDED], expect, "partial: true"))[0] == 1


def test_a_precise_line_is_not_robbed_by_one_that_leaves_much_open(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [ADDED, ADDED.replace("c1", "c2"), ORDERED]
    cancelled = "{at: 10:10, customer: ann, trigger: abandoned, outcome: cancelled"
    for lines in (
        [cancelled + "}", cancelled + ", key: c1}"],
        [cancelled + "}", cancelled + ", key: c2}"],
        [cancelled + ", key: c2}", cancelled + "}"],
    ):
        assert outcome(shop, capsys, scenario(events, lines))[0] == 0
    twice = [cancelled + ", key: c1}"] * 2
    assert outcome(shop, capsys, scenario(events, twice))[0] == 1


def test_scenarios_know_nothing_of_one_another(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = ["{at: 10:30, customer: ann, trigger: abandoned}"]
    both = [scenario([ADDED], sent, name=name) for name in ("first", "second")]
    assert outcome(shop, capsys, *both)[0] == 0  # `again: 1d` would suppress the second


def test_attributes_stand_for_the_file_of_customers(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = """
attributes: {file: nowhere.csv, customer: id, columns: {tier: text, spent: number}}
"""
    config = CONFIG.replace("segments:", "segments:\n  gold: attribute.tier == 'gold'")
    (shop / "shop.yaml").write_text(config.replace("'gold'", '"gold"') + more)
    events = [VIEWED, VIEWED.replace("ann", "bob")]
    expect = [
        "{at: 10:20, customer: ann, segment: gold, in: true}",
        "{at: 10:20, customer: bob, segment: gold, in: false}",
    ]
    given = scenario(events, expect, "attributes: {ann: {tier: gold, spent: 5}}")
    assert outcome(shop, capsys, given) == (0, "ok     s.yaml: it\n1 scenario, 0 failed\n")
    unknown = scenario(events, expect, "attributes: {anne: {teir: gold}}")
    exit_code, told = outcome(shop, capsys, unknown)
    assert exit_code == 2
    assert 's.yaml:10:18: scenarios[0].attributes.anne: found "anne"' in told
    assert 'the config has no such attribute; did you mean "tier"?' in told


def test_several_files_and_folders_run_in_order_each_once(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop / "more"
    folder.mkdir()
    write(folder, scenario([VIEWED], [], name="b"), name="b.yml")
    write(folder, scenario([VIEWED], [], name="a"), name="a.yaml")
    (folder / "notes.txt").write_text("no scenario")
    words = (str(folder), str(folder / "b.yml"))
    exit_code, told = outcome(shop, capsys, scenario([VIEWED], []), words=words)
    names = [line.split()[-1] for line in told.splitlines()]
    assert (exit_code, names) == (0, ["it", "a", "b", "failed"])


def test_a_folder_without_scenarios_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "none").mkdir()
    exit_code, told = outcome(shop, capsys, scenario([VIEWED], []), words=(str(shop / "none"),))
    assert (exit_code, told) == (2, "cartwheel: none: holds no .yaml or .yml files\n")


def test_scenarios_are_chosen_by_a_part_of_their_names(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = [scenario([VIEWED], [], name=name) for name in ("One cart", "two carts", "three")]
    for words, count in ((("-k", "CART"), 2), (("-k", "one", "-k", "three"), 2), ((), 3)):
        exit_code, told = outcome(shop, capsys, *some, words=words)
        assert (exit_code, told.count("ok  ")) == (0, count)
    exit_code, told = outcome(shop, capsys, *some, words=("-k", "four"))
    assert (exit_code, told) == (2, "cartwheel: there is no scenario with 'four' in its name\n")


def test_json_tells_the_same(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = scenario([VIEWED], [], name="good")
    bad = scenario([ADDED], ["{at: 10:31, customer: ann, trigger: abandoned}"], "partial: true")
    exit_code, told = outcome(shop, capsys, good, bad, words=("--json",))
    found: Any = json.loads(told)
    assert (exit_code, found["ok"]) == (1, False)
    assert [(each["name"], each["line"], each["ok"]) for each in found["scenarios"]] == [
        ("good", 3, True),
        ("it", 6, False),
    ]
    assert found["scenarios"][1]["differences"] == [
        {
            "line": 10,
            "column": 9,
            "what": "expected abandoned for ann: sent at 2026-01-05T10:31:00Z",
            "details": ["but it was sent at 2026-01-05T10:30:00Z, key c1"],
        }
    ]


@pytest.mark.parametrize(
    ("place", "exit_code", "said"),
    [
        ("shop.yaml", 2, "shop.yaml is read, and would be overwritten; name another --junit"),
        ("s.yaml", 2, "s.yaml is read, and would be overwritten; name another --junit"),
        ("link.xml", 2, "link.xml is read, and would be overwritten; name another --junit"),
        ("customers.csv", 2, "customers.csv is read, and would be overwritten"),
        ("nowhere/junit.xml", 2, "expected a file in a folder that is there"),
        (".", 2, "expected a file in a folder that is there"),
        ("/proc/junit.xml", 1, "/proc/junit.xml: cannot be written: "),
    ],
)
def test_where_junit_cannot_be_written_is_told_before_anything_runs(
    place: str,
    exit_code: int,
    said: str,
    shop: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    customers = f"attributes: {{file: {shop}/customers.csv, customer: id, columns: {{tier: text}}}}"
    (shop / "shop.yaml").write_text(f"{CONFIG}{customers}\n")
    (shop / "customers.csv").write_text("id,tier\nann,gold\n")
    (shop / "link.xml").symlink_to("s.yaml")
    told = scenario([ADDED], ["{at: 10:30, customer: ann, trigger: abandoned}"])
    path = write(shop, told)
    before = {each: each.read_bytes() for each in shop.iterdir()}
    words = (str(shop / "shop.yaml"), str(path), "--junit", str(shop / place))
    assert main(["test", *words]) == exit_code
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out
    assert {each: each.read_bytes() for each in shop.iterdir()} == before


def test_junit_is_written_whole_or_not_at_all(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    junit = shop / "junit.xml"
    junit.write_text("as it was")

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    told = scenario([ADDED], ["{at: 10:30, customer: ann, trigger: abandoned}"])
    exit_code, printed = outcome(shop, capsys, told, words=("--junit", str(junit)))
    assert exit_code == 1
    assert "junit.xml: cannot be written: No space left on device" in printed
    assert junit.read_text() == "as it was"
    assert sorted(each.name for each in shop.iterdir()) == ["junit.xml", "s.yaml", "shop.yaml"]


def test_many_scenarios_are_counted_with_separators(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # reading so many takes a while
    def many(*given: Any) -> LoadedScenarios:
        return LoadedScenarios(_load_all(*given).scenarios * 1000, ())

    monkeypatch.setattr("cartwheel.scenarios._load_all", many)
    wrong = "{at: 10:00, customer: ann, feature: orders, value: 1}"
    exit_code, printed = outcome(shop, capsys, scenario([ADDED], [wrong], "partial: true"))
    assert (exit_code, printed.splitlines()[-1]) == (1, "1,000 scenarios, 1,000 failed")


def test_junit_tells_build_servers_what_failed(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = scenario([VIEWED], [], name='"go\\x01od & <b>"')
    bad = scenario([ADDED], ["{at: 10:31, customer: ann, trigger: abandoned}"])
    other = write(shop, scenario([VIEWED], []), name="other.yaml")
    words = (str(other), "--junit", str(shop / "junit.xml"))
    assert outcome(shop, capsys, good, bad, words=words)[0] == 1
    root = ET.parse(shop / "junit.xml").getroot()  # noqa: S314 (written just now)
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "3", "1")
    suites = root.findall("testsuite")
    assert [(each.get("tests"), each.get("failures")) for each in suites] == [
        ("2", "1"),
        ("1", "0"),
    ]
    cases = root.findall("testsuite/testcase")
    assert [(each.get("classname"), each.get("name")) for each in cases] == [
        ("s", "go\\x01od & <b>"),
        ("s", "it"),
        ("other", "it"),
    ]
    known = {"tests", "failures", "errors", "skipped", "time", "name", "classname", "file", "line"}
    for element in root.iter():
        assert set(element.attrib) <= known | {"message", "type"}
        if element.tag in {"testsuites", "testsuite", "testcase"}:
            assert float(element.attrib["time"]) >= 0
    (failure,) = root.iter("failure")
    assert "abandoned" in failure.attrib["message"]
    assert "but it was sent at 2026-01-05T10:30:00Z, key c1" in str(failure.text)


def test_names_do_not_steer_the_terminal(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code, told = outcome(shop, capsys, scenario([VIEWED], [], name='"\\e[31mred"'))
    assert (exit_code, told.splitlines()[0]) == (0, "ok     s.yaml: \\x1b[31mred")


def test_a_wrong_config_is_told_before_all_else(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "shop.yaml").write_text(CONFIG.replace("gap: 10m", "gap: soon"))
    exit_code, told = outcome(shop, capsys, "  - nonsense\n")
    assert exit_code == 2
    assert told.startswith('shop.yaml:4:16: session.gap: found "soon"')


def test_every_message_of_the_example_shop_is_sent_in_some_scenario() -> None:
    shop = ROOT / "examples" / "shop"
    triggers = load(shop / "shop.yaml").triggers
    wanted = {
        (name, 1 + step) for name, each in triggers.items() for step in range(1 + len(each.then))
    }
    sent: set[tuple[str, int]] = set()
    for path in (shop / "scenarios").iterdir():
        for scenario in YAML(typ="safe", pure=True).load(path.read_text())["scenarios"]:
            for each in scenario.get("expect", ()):
                if "trigger" in each and "outcome" not in each:
                    sent.add((each["trigger"], each.get("step", 1)))
    assert sent == wanted


def test_the_scenarios_of_the_example_shop_are_met(capsys: pytest.CaptureFixture[str]) -> None:
    shop = ROOT / "examples" / "shop"
    assert main(["test", str(shop / "shop.yaml"), str(shop / "scenarios")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(", 0 failed")
