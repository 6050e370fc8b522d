"""What is said about a bad config file: each problem with its place and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config import Config, ConfigError, load

LoadText = Callable[..., Config]
ProblemsOf = Callable[..., list[tuple[int, int, str]]]


WRONG_VALUES = [
    # text, line, column, parts of the message
    ("name: my shop", 1, 7, ["name:", '"my shop"', "letters, digits"]),
    ("name: 5", 1, 7, ["found 5"]),
    (f"name: {'n' * 101}", 1, 7, ["1 to 100 characters"]),
    ("name: s\nsource: {files: }", 2, 10, ["source.files: found nothing, expected a path or a"]),
    ("name: s\nsource: {files: []}", 2, 17, ["source.files: found a list"]),
    ("name: s\nsource: {files: [a, 5]}", 2, 21, ["source.files[1]: found 5"]),
    ("name: s\nsource: {files: {a: b}}", 2, 17, ["found a mapping", "a path or a list"]),
    ("name: s\nsource: {files: a, order: tme}", 2, 27, ['"tme"', 'did you mean "time"?']),
    ("name: s\nsource: {files: a, follow: yes}", 2, 28, ['"yes", expected true or false']),
    ("name: s\nsinks: {files: [a]}", 2, 16, ["sinks.files: found a list, expected a path"]),
    ("name: s\ntime: {disorder: 5}", 2, 18, ["found 5, expected a duration such as 250ms"]),
    ("name: s\ntime: {disorder: 1.5h}", 2, 18, ['found "1.5h"']),
    ("name: s\ntime: {idle: -5s}", 2, 14, ['found "-5s"']),
    ("name: s\ntime: {idle: on}", 2, 14, ['found "on", expected off or a duration']),
    ("name: s\ntime: {idle: Off}", 2, 14, ['did you mean "off"?']),
    ("name: s\ntime: {idle: }", 2, 8, ["time.idle: found nothing, expected off or a duration"]),
    ("name: s\nhttp: {host: 127.0.0.1}", 2, 1, ['http: the key "port" is missing']),
    ("name: s\nhttp: {port: 65536}", 2, 14, ["found 65536", "from 0 to 65535"]),
    ("name: s\nhttp: {port: 0, host: a b}", 2, 23, ['http.host: found "a b"', "127.0.0.1"]),
    ("name: s\nhttp: {port: 0, host: '[::1]'}", 2, 23, ['found "[::1]"']),
    ("name: s\nhttp: 9090", 2, 7, ["http: found 9090, expected a mapping"]),
    ("name: s\ntime: {future: 3651d}", 2, 16, ["at most ten years"]),
    (
        "name: s\ntime: {grace: 24h}\nretention: 1d",
        2,
        15,
        ["found 1d", "expected less than retention without session.gap (1410m)"],
    ),
    ("name: s\ntime: {grace: 31d}", 2, 15, ['found "31d"', "a duration of at most 30d"]),
    ("name: s\nepoch:\n  every: 299ms", 3, 10, ["at least 300ms"]),
    ("name: s\nepoch: {max_bytes: 1TB}", 2, 20, ['found "1TB"', "64KB, 256MB or 1GB"]),
    ("name: s\nepoch: {max_bytes: 999}", 2, 20, ["from 1KB to 64GB"]),
    ("name: s\nepoch: {max_bytes: true}", 2, 20, ["found true"]),
    ("name: s\nstate: {compression: lz5}", 2, 22, ['did you mean "lz4"?']),
    ("name: s\nstate: {cache: 99}", 2, 16, ["found 99", "from 100"]),
    ("name: s\nstate: {cache: '500'}", 2, 16, ['found "500", expected a whole number']),
    ("name: s\nstate: {cache: 500.0}", 2, 16, ["found 500.0"]),
    ("name: s\nsession: {gap: 0s}", 2, 16, ["at least 1ms"]),
    ("name: s\nsession: [gap]", 2, 10, ["session: found a list, expected a mapping"]),
    ("name: s\nsession:\nretention: 7d", 2, 1, ["session: found nothing, expected a mapping"]),
    ("name: s\nretention: x", 2, 12, ["retention:"]),
    ("name: s\nduplicates: {last: 1001}", 2, 20, ["from 0 to 1000"]),
    ("name: s\nduplicates: {last: yes}", 2, 20, ['found "yes"']),
    ("name: s\ntriggers: {t: {}}", 2, 12, ['triggers.t: the key "on" is missing']),
    ("name: s\ntriggers: {a b: {on: A}}", 2, 12, ['found "a b"']),
    ("name: s\ntriggers: {t: {on: ''}}", 2, 20, ['found ""', "an event's name"]),
    ("name: s\ntriggers: {t: {on: A, restart: no}}", 2, 32, ['"no", expected true or false']),
    ("name: s\ntriggers: {t: {on: A, again: allways}}", 2, 30, ['did you mean "always"?']),
    ("name: s\ntriggers: {t: {on: A, cancel: [B, 5]}}", 2, 35, ["triggers.t.cancel[1]: found 5"]),
    ("name: s\ntriggers: {t: {on: A, cancel: {B: C}}}", 2, 31, ["found a mapping"]),
    ("name: s\ntriggers: {t: {on: A, cancel: 5}}", 2, 31, ["found 5"]),
]


@pytest.mark.parametrize(("text", "line", "column", "parts"), WRONG_VALUES)
def test_a_wrong_value_is_told_with_its_place(
    problems_of: ProblemsOf, text: str, line: int, column: int, parts: list[str]
) -> None:
    [(found_line, found_column, message)] = problems_of(text)
    assert (found_line, found_column) == (line, column)
    assert all(part in message for part in parts), message


UNKNOWN_KEYS = [
    ("name: s\nretension: 7d", 2, 1, 'retension: unknown key; did you mean "retention"?'),
    ("name: s\nrecipes: {}", 2, 1, "recipes: unknown key; the keys here are name, source"),
    ("name: s\ntime: {Idle: 5s}", 2, 8, 'time.Idle: unknown key; did you mean "idle"?'),
    ("name: s\nsource: {kafak: {}}", 2, 10, 'source.kafak: unknown key; did you mean "kafka"?'),
    ("name: s\nsinks: {fils: a}", 2, 9, 'sinks.fils: unknown key; did you mean "files"?'),
    ("name: s\nsinks: {files: a, order: b}", 2, 19, "sinks.order: unknown key; the keys here are"),
    ("name: s\nhttp: {port: 0, hots: a}", 2, 17, 'http.hots: unknown key; did you mean "host"?'),
    ("name: s\nsession:\n  gpa: 5m", 3, 3, 'session.gpa: unknown key; did you mean "gap"?'),
    (
        "name: s\ntriggers: {t: {on: A, cancle: B}}",
        2,
        23,
        'triggers.t.cancle: unknown key; did you mean "cancel"?',
    ),
    (
        "name: s\nsession: {collect: {d: {distinct: traits.a, at_mots: 5}}}",
        2,
        45,
        'session.collect.d.at_mots: unknown key; did you mean "at_most"?',
    ),
    (
        "name: s\nsession: {collect: {d: {sum: traits.a, at_most: 5}}}",
        2,
        40,
        "session.collect.d.at_most: found with sum, goes with distinct and recent only",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "start"), UNKNOWN_KEYS)
def test_an_unknown_key_is_told_with_the_nearest_one(
    problems_of: ProblemsOf, text: str, line: int, column: int, start: str
) -> None:
    [(found_line, found_column, message)] = problems_of(text)
    assert (found_line, found_column) == (line, column)
    assert message.startswith(start), message


COLLECTS = [
    # what stands at `x:`, column, parts of the message
    ("{cuont: A}", 25, ['found "cuont"', "exactly one of count, sum", 'did you mean "count"?']),
    ("{count: A, sum: traits.a}", 35, ['found "sum"', "exactly one of"]),
    ("{of: A}", 24, ["found a mapping", "exactly one of"]),
    ("count", 24, ['found "count"', "a mapping"]),
    ("{min: price}", 30, ['found "price"', "properties, context or traits"]),
    ("{min: price}", 30, ['did you mean "properties.price"?']),
    ("{max: propertis.a.b}", 30, ['did you mean "properties.a.b"?']),
    ("{first: properties}", 32, ['found "properties"', "names after dots"]),
    ("{last: properties..a}", 41, [". has no meaning here"]),
    ("{last: properties.a +}", 45, ["ends where a value is expected"]),
    ("{sum: context.b.c.d.e.f.g.h.i}", 30, ["context.b.c.d.e.f.g.h.i has more than 8 parts"]),
    ("{count: A, over: 1h}", 35, ["over all of the session; only features have windows"]),
    ("{rate: A}", 24, ["found a mapping, expected exactly one of count"]),
    ("{distinct: traits.a, at_most: 0}", 54, ["from 1 to 1000"]),
    ("{distinct: traits.a, at_most: 1001}", 54, ["from 1 to 1000"]),
    ("{sum: traits.a, of: 5}", 44, ["found 5", "an event's name"]),
]


@pytest.mark.parametrize(("spec", "column", "parts"), COLLECTS)
def test_a_wrong_collect_is_told_with_its_place(
    problems_of: ProblemsOf, spec: str, column: int, parts: list[str]
) -> None:
    [(line, found_column, message)] = problems_of(f"name: s\nsession: {{collect: {{x: {spec}}}}}")
    assert (line, found_column) == (2, column)
    assert message.startswith("session.collect.x")
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    "name",
    [
        *("session_id", "start", "end", "duration_s", "events", "revision", "duration"),
        *("X", "9x", "a-b"),
    ],
)
def test_a_collected_name_must_be_free_and_an_identifier(
    problems_of: ProblemsOf, name: str
) -> None:
    [(line, column, message)] = problems_of(f"""\
        name: s
        session:
          collect:
            {name}: {{count: A}}
    """)
    assert (line, column) == (4, 5)
    assert name in message


def test_a_distinct_brings_a_name_of_its_own(problems_of: ProblemsOf) -> None:
    text = "name: s\nsession: {collect: {a: {KIND: traits.b}, a_exact: {count: A}}}"
    [(line, column, message)] = problems_of(text.replace("KIND", "distinct"))
    assert (line, column) == (2, 46)
    assert "a_exact" in message


def test_a_name_that_ends_in_exact_is_free_without_a_distinct(load_text: LoadText) -> None:
    config = load_text("name: s\nsession: {collect: {a: {sum: traits.b}, a_exact: {count: A}}}")
    assert list(config.session.collect) == ["a", "a_exact"]


def test_at_most_a_hundred_values_are_collected(problems_of: ProblemsOf) -> None:
    names = ", ".join(f"c{number}: {{count: A}}" for number in range(101))
    [(line, column, message)] = problems_of(f"name: s\nsession: {{collect: {{{names}}}}}")
    assert (line, column) == (2, 20)
    assert "at most 100" in message


BELOW_RETENTION = [
    ("retention: 7d\nsession: {gap: 7d}", 3, 16, "session.gap: found 7d, expected less than"),
    ("retention: 7d\ntriggers: {t: {on: A, after: 8d}}", 3, 30, "triggers.t.after: found 8d"),
    ("retention: 7d\ntriggers: {t: {on: A, again: 168h}}", 3, 30, "triggers.t.again: found 7d"),
    ("triggers: {t: {on: A, after: 400d}}", 2, 30, "triggers.t.after: found 400d"),
    ("retention: 30m", 2, 12, "retention: found 30m, expected more than session.gap"),
]


@pytest.mark.parametrize(("text", "line", "column", "start"), BELOW_RETENTION)
def test_what_is_waited_for_must_be_below_retention(
    problems_of: ProblemsOf, text: str, line: int, column: int, start: str
) -> None:
    [(found_line, found_column, message)] = problems_of(f"name: s\n{text}")
    assert (found_line, found_column) == (line, column)
    assert message.startswith(start), message


@pytest.mark.parametrize(("cancel", "column"), [("A", 31), ("[B, A]", 35)])
def test_an_event_cannot_start_and_cancel_one_trigger(
    problems_of: ProblemsOf, cancel: list[str], column: int
) -> None:
    [found] = problems_of(f"name: s\ntriggers: {{t: {{on: A, cancel: {cancel}}}}}")
    assert found[:2] == (2, column)
    assert "cannot cancel" in found[2]


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(problems_of: ProblemsOf) -> None:
    found = problems_of("""\
        nmae: shop
        time: {disorder: soon, grace: 1x}
        time: {}
        session:
          gap: 30d
          collect:
            events: {count: ""}
            views: {cuont: Product Viewed}
        retention: 20d
        duplicates: {within: "${WITHIN}"}
        triggers:
          cart: {after: 21d, cancel: [B, 5], restart: yes}
          5: {on: A}
          other: {on: A, cancel: A}
        """)
    assert [place[:2] for place in found] == [
        (1, 1),  # an unknown key
        (1, 1),  # no name
        (2, 18),  # no duration
        (2, 31),  # no duration either
        (3, 1),  # a key given twice
        (5, 8),  # not below retention
        (7, 5),  # a name that is taken
        (7, 21),  # no event
        (8, 13),  # an unknown kind
        (10, 22),  # a variable that is not set
        (12, 3),  # no on
        (12, 17),  # not below retention
        (12, 34),  # no event
        (12, 47),  # no truth
        (13, 3),  # a key that is no text
        (14, 26),  # cancels itself
    ]


def test_a_key_given_twice_is_told_at_the_second_with_the_line_of_the_first(
    problems_of: ProblemsOf,
) -> None:
    [found] = problems_of("name: shop\nretention: 7d\nname: shop\n")
    assert found == (3, 1, 'the key "name" is given twice (first in line 1)')


@pytest.mark.parametrize("text", ['"\\ud800"', "'${HALF}'"])
def test_half_a_character_is_refused(problems_of: ProblemsOf, text: str) -> None:
    [found] = problems_of(f"name: s\ntriggers: {{t: {{on: {text}}}}}", {"HALF": "\udcff"})
    assert found[:2] == (2, 20)
    assert "surrogate" in found[2]


def test_an_unset_variable_is_told_once_and_with_the_way_out(problems_of: ProblemsOf) -> None:
    [found] = problems_of("name: shop\nsource: {files: 'a/${DIR}/b'}\n")
    assert found[:2] == (2, 17)
    assert "DIR is not set" in found[2]
    assert "${DIR:-default}" in found[2]


@pytest.mark.parametrize("reference", ["${", "${}", "${A", "${A-b}", "${1}", "${A B:-c}"])
def test_a_malformed_reference_is_told(problems_of: ProblemsOf, reference: str) -> None:
    [found] = problems_of(f"name: s\nsource: {{files: '{reference}'}}\n")
    assert found[:2] == (2, 17)


def test_what_the_environment_gave_is_never_shown(problems_of: ProblemsOf) -> None:
    [found] = problems_of("name: ${SECRET}", {"SECRET": "pass word"})
    assert "pass word" not in found[2]
    assert 'the value of "${SECRET}"' in found[2]


def test_a_suggestion_does_not_show_it_either(problems_of: ProblemsOf) -> None:
    text = "name: s\ntriggers: {t: {on: A, key: '${SECRET}'}}"
    [found] = problems_of(text, {"SECRET": "propertis.pass_word"})
    assert "pass_word" not in found[2]


def test_references_cannot_swell_without_bound(problems_of: ProblemsOf) -> None:
    [found] = problems_of(f"name: s\nsinks: {{files: '{'${A}' * 1000}'}}", {"A": "a" * 1000})
    assert "longer than 65536 characters" in found[2]


def test_the_text_of_the_error_is_one_line_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text('name: "a\\nb"\nsesion: {}\n')
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems) == 2
    assert lines[0].startswith(f"{path}:1:7: ")
    assert lines[1] == f'{path}:2:1: sesion: unknown key; did you mean "session"?'
