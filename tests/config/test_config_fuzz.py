"""Whatever is in the file: a config or a list of problems, and never anything else."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from config import (
    SINK_TOPICS,
    Config,
    ConfigError,
    Problem,
    config_schema,
    load,
    load_with_warnings,
)
from config.explain import keys_at
from config.features import FEATURE_KINDS
from config.measures import COLLECT_KINDS
from config.model_specs import MODEL_KINDS
from expressions import compile_function
from expressions.templates import compile_template, names_in
from flows.job import plans_of
from flows.rules import compile_rules
from operators.plans import DecidePlan

PATHS_OF_SECTIONS = [
    (),
    *((name,) for name in keys_at(())),
    *(("source", "kafka"), ("source", "kafka", "security"), ("sinks", "kafka")),
    ("triggers", "t"),
    ("triggers", "t", "then", 0),
    ("limits", 0),
    *(("session", "collect", "t", f"<{kind}>") for kind in COLLECT_KINDS),
    *(("features", "t", f"<{kind}>") for kind in FEATURE_KINDS),
    ("segments", "t"),
    *(("models", "t", tag) for tag in MODEL_KINDS),
    ("models", "t", "<logistic_regression>", "parameters"),
]
KEYS = st.sampled_from(
    [
        *sorted({key for path in PATHS_OF_SECTIONS for key in keys_at(path)}),
        *("<count>", "[key]", "t"),
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2_000),
    st.floats(),
    st.sampled_from(
        ["shop", "5s", "30m", "7d", "400d", "1KB", "lz4", "never", "A", "B", "traits.a", "${A}"]
    ),
    st.text(max_size=10),
)
TREES = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=30,
)
PATHS = st.sampled_from(["traits.a", "properties.b.c", "context.d", "x.y"])
SPECS = st.dictionaries(
    st.sampled_from([*COLLECT_KINDS, "of", "at_most"]), PATHS, min_size=1, max_size=2
)
EVENT_TEXTS = st.sampled_from(
    [
        *("properties.a", "traits.a * 2", "event.hour", "properties.b[].c", "lower(traits.a)"),
        *("properties.", "5", "a >", "event.properties.b[].d > 1", "event.name == 'A'", "${A}"),
    ]
)
FEATURES = st.fixed_dictionaries(
    {},
    optional={
        **{kind: st.just("A") for kind in ("count", "time", "rate")},
        **dict.fromkeys(("sum", "last", "distinct", "recent"), EVENT_TEXTS),
        "of": st.sampled_from(["A", "any", None, 5]),
        "where": EVENT_TEXTS,
        "at_most": st.integers(0, 101),
        "over": st.sampled_from(["1h", "24h", "7d", "8d", "1s"]),
        "pane": st.sampled_from(["1m", "7m", "1h"]),
        "per": st.sampled_from(["1h", "1w", "1y"]),
        "zone": st.sampled_from(["utc", "customer", "x"]),
        "within": st.just("session"),
        "since": st.sampled_from(["A", "any"]),
        "half_life": st.sampled_from(["1h", "8d"]),
    },
)
SMALL_FEATURES = st.one_of(
    st.sampled_from(
        [
            {"count": "A"},
            {"time": "any", "per": "1d"},
            {"last": "properties.a"},
            {"recent": "properties.b[].c", "where": "event.properties.b[].d > 1"},
            {"sum": "traits.a * 2", "over": "24h"},
        ]
    ),
    FEATURES,
)
CONDITIONS = st.sampled_from(
    [
        *("a > 5", "a > 5 and a < 3", "segment.a", "segment.b", "not segment.c or b", "a"),
        *("since(b) > 1h", "session.duration > 5m", "session.a > 1", "trait.x == 'y'"),
        *("context.hour > 3", "context.device == 'x'", "score.m > 0.5", "nope", "a >", "${A}"),
    ]
)
SEGMENTS = CONDITIONS | st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("when", "enter", "leave"), CONDITIONS),
        **{key: st.sampled_from(["0s", "1h", "8d"]) for key in ("for", "hold")},
    },
)
RULE_NAMES = st.sampled_from(["a", "b", "c", "A", "session"])
WHERES = CONDITIONS | st.sampled_from(["event.properties.a > 5", "event.nope", "properties.a > 1"])
OF_SEGMENTS = st.sampled_from([{"enter": "a"}, {"leave": "b"}, {"enter": "nope"}, {"leave": 5}])
CANCELS = st.one_of(
    st.sampled_from("ABC"),
    OF_SEGMENTS,
    st.fixed_dictionaries({"on": st.sampled_from(["A", "C", "any"])}, optional={"where": WHERES}),
)
TEMPLATES = st.sampled_from(
    [
        *("{{ a }} {{ event.properties.a }}", "{% for x in trait.a %}{{ x }}{% endfor %}", "{{ a"),
        *("{{ nope }}", "{{ a | nope }}", "{{ a() }}", "{{ session.start }}", "plain", "", "${A}"),
    ]
)
PAYLOADS = st.dictionaries(
    st.sampled_from(["v", "w", "a b"]),
    WHERES | st.builds(lambda text: {"template": text}, TEMPLATES) | VALUES,
    max_size=2,
)
OF_STEPS = {
    "when": CONDITIONS,
    "cancel": CANCELS | st.lists(CANCELS, max_size=2),
    "channel": st.sampled_from(["email", "sms", 5]),
    "payload": PAYLOADS,
}
TRIGGERS = st.fixed_dictionaries(
    {"on": st.sampled_from(["A", "B", "any", {"session": "closed"}]) | OF_SEGMENTS},
    optional={
        **OF_STEPS,
        "where": WHERES,
        "then": st.lists(
            st.fixed_dictionaries({"after": st.sampled_from(["1h", "8d"])}, optional=OF_STEPS),
            max_size=2,
        ),
        "enabled": st.booleans(),
        "priority": st.sampled_from([0, 80, 1001]),
        "tags": st.lists(st.sampled_from(["x", "y", "a b"]), max_size=2),
        "expires": st.sampled_from(["1h", "8d"]),
        "retract": st.sampled_from(["0s", "1h"]),
        "after": st.sampled_from(["0s", "1h", "8d"]),
        "again": st.sampled_from(["always", "1h", "8d"]),
        "key": PATHS,
        "restart": st.booleans(),
    },
)
MODELS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            ["logistic_regression", "baseline", "naive_bayes.GaussianNB", "rules.AMRules", "nope"]
        ),
        "predicts": st.sampled_from(
            ["A", "no A", "any", {"sum": "properties.a", "of": "A"}, {"sum": "a"}, "${A}"]
        ),
        "within": st.sampled_from(["session", "1h", "8d", "0s"]),
    },
    optional={
        "from": st.lists(
            st.sampled_from(["a", "b", "trait.x", "session.duration", "score.m", "a > 5", "nope"]),
            max_size=3,
        ),
        "at": st.lists(st.sampled_from(["A", "B", "any"]), max_size=2),
        "parameters": st.dictionaries(
            st.sampled_from(["l1", "l2", "learning_rate", "at_most", "n_rules", "delta"]),
            st.sampled_from([0, 0.5, 5, -1, "x", "${A}", None, [1]]),
            max_size=2,
        ),
        "step": st.sampled_from(["1m", "1ms"]),
        "emit": st.sampled_from(["moments", {"moves": 0.5}, {"moves": 5}, "x"]),
        "threshold": st.sampled_from([0.5, 1, "${A}"]),
        "calibrate": st.booleans(),
        "shadow": st.booleans(),
    },
)
SECURITY = st.fixed_dictionaries(
    {"protocol": st.sampled_from(["SSL", "SASL_SSL", "PLAINTEXT", "${A}"])},
    optional={
        "mechanism": st.sampled_from(["PLAIN", "MD5"]),
        "username": st.sampled_from(["u", "", "${A}", "${EMPTY}"]),
        "password": st.sampled_from(["p", 5, "${A}", "${EMPTY}"]),
        "ca": st.just("ca.pem"),
        "key": st.just("me.key"),
    },
)
BROKERS = st.sampled_from(["a:1", "a:1, [::1]:2", "b:1", "${A}", 5])
KAFKA = {
    "brokers": BROKERS,
    "client": st.sampled_from(["librdkafka", "x"]),
    "security": SECURITY,
}
SOURCES = st.fixed_dictionaries(
    {},
    optional={
        "files": st.sampled_from(["a", [], None]),
        "follow": st.booleans(),
        "kafka": st.none()
        | st.fixed_dictionaries(
            {"topic": st.sampled_from(["t", "shop.late", "${A}"])}, optional=KAFKA
        ),
    },
)
SINKS = st.fixed_dictionaries(
    {},
    optional={
        "files": st.sampled_from(["a", None]),
        "kafka": st.fixed_dictionaries(
            {}, optional={"prefix": st.sampled_from(["", "shop.", "/", None]), **KAFKA}
        ),
    },
)
ARBITRATION = {
    "limits": st.lists(
        st.fixed_dictionaries(
            {"at_most": st.integers(0, 3), "per": st.sampled_from(["day", "week", "1d", "9d", 5])},
            optional={
                "zone": st.sampled_from(["UTC", "customer", "nope"]),
                "channel": st.sampled_from(["email", "nope"]),
                "tag": st.just("x"),
            },
        ),
        max_size=2,
    ),
    "quiet_hours": st.fixed_dictionaries(
        {key: st.sampled_from(["21:00", "08:00", "8"]) for key in ("from", "to")},
        optional={"zone": st.sampled_from(["context.timezone", "CET"]), "then": st.just("drop")},
    ),
    "holdout": st.sampled_from(["5%", "60%", {"share": "0.5%", "salt": "x"}, {"salt": "y"}, 5]),
}
CONFIGS = st.fixed_dictionaries(
    {"name": st.sampled_from(["shop", "x.y", "${A}", "${B}"])},
    optional={
        "source": SOURCES,
        "sinks": SINKS,
        "retention": st.sampled_from(["7d", "3650d", "1m"]),
        "session": st.fixed_dictionaries(
            {},
            optional={
                "gap": st.sampled_from(["5m", "1h", "8d"]),
                "collect": st.dictionaries(KEYS, SPECS, max_size=2),
            },
        ),
        "triggers": st.dictionaries(KEYS, TRIGGERS, max_size=3),
        **ARBITRATION,
        "features": st.dictionaries(RULE_NAMES, SMALL_FEATURES, max_size=3),
        "segments": st.dictionaries(RULE_NAMES, SEGMENTS, max_size=3),
        "models": st.dictionaries(st.sampled_from(["m", "n", "A"]), MODELS, max_size=2),
    },
)
RULES = st.fixed_dictionaries(
    {
        "name": st.just("shop"),
        "features": st.fixed_dictionaries({"a": SMALL_FEATURES, "b": SMALL_FEATURES}),
        "segments": st.dictionaries(st.sampled_from("abc"), SEGMENTS, min_size=1, max_size=3),
    },
    optional={
        "triggers": st.dictionaries(st.just("t"), TRIGGERS, max_size=1),
        "models": st.dictionaries(st.just("m"), MODELS, min_size=1, max_size=1),
        **ARBITRATION,
    },
)
LINES = st.sampled_from(
    [
        *("name: shop", "triggers:", "  t: &a {on: A}", "  u: *a", "  - b", "session: {gap: 5m"),
        *("}", "{", "[", "]", ": :", "? x", "| ", ">-", "'", '"', '"\\ud800"', '"\\UFFFFFFFF"'),
        *("---", "...", "%YAML 1.1", "%TAG ! x", "!!str a", "! b", "<<: *a", "\t", "#", "@", "`"),
        *("\x85", "\u2028"),
    ]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "shop.yaml"


def _load(path: Path, content: bytes) -> Config | None:
    """Load what must either be a config or have problems that can be shown."""
    path.write_bytes(content)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    config = None
    try:
        loaded = load_with_warnings(path, {"A": "5", "EMPTY": ""})
        config, warnings = loaded.config, loaded.warnings
    except ConfigError as error:
        problems = error.problems
    assert isinstance(config, Config) != bool(problems)
    lines = len(content.decode(errors="replace").splitlines()) + 1
    for problem in (*problems, *warnings):
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
        assert len(str(problem).splitlines()) == 1
        assert str(problem).encode()
    return config


@settings(deadline=None)
@given(content=st.binary(max_size=200))
@example(content=b"\xef\xbb\xbf")
@example(content=b"\xff\xfen\x00a\x00")
def test_any_bytes(path: Path, content: bytes) -> None:
    _load(path, content)


@settings(deadline=None)
@given(lines=st.lists(LINES | st.text(max_size=20), max_size=12))
def test_any_lines_of_something_like_yaml(path: Path, lines: list[str]) -> None:
    _load(path, "\n".join(lines).encode(errors="replace"))


@settings(deadline=None)
@given(tree=TREES)
def test_any_tree(path: Path, tree: object) -> None:
    _load(path, json.dumps(tree, ensure_ascii=False).encode(errors="replace"))


@settings(max_examples=200, deadline=None)
@given(tree=CONFIGS)
def test_any_tree_that_is_nearly_a_config(path: Path, tree: object) -> None:
    config = _load(path, json.dumps(tree).encode())
    if config is None:
        return
    retention_ms = config.retention_ms
    assert config.session.gap_ms < retention_ms
    for trigger in config.triggers.values():
        assert trigger.on not in trigger.cancel
        assert trigger.after_ms < retention_ms
        assert isinstance(trigger.again, str) or trigger.again < retention_ms
    _assert_source_and_sinks_fit(config)


VALIDATOR = Draft202012Validator(config_schema())


@settings(max_examples=200, deadline=None)
@given(tree=RULES | CONFIGS)
def test_what_is_a_config_fits_its_schema_and_can_be_compiled(path: Path, tree: object) -> None:
    config = _load(path, json.dumps(tree).encode())
    if config is None:
        return
    VALIDATOR.validate(tree)
    profile, decide = plans_of(config)
    assert [each.name for each in profile.row.features if "." not in each.name] == [
        name for name, each in config.features.items() if getattr(each, "within", None) is None
    ]
    assert {each.name for each in decide.segments} == set(config.segments)
    slots = {name: number for number, name in enumerate(decide.slot_names)}
    assert len(slots) == len(decide.slot_names)
    for segment in decide.segments:
        for tree_ in filter(None, (segment.enter, segment.leave)):
            row = [None] * len(slots)
            assert compile_function(tree_, slots)(row, 0) in {True, False}
        uses = [slots[name] for name in segment.uses]
        assert all(slot < slots[f"segment.{segment.name}"] for slot in uses)
    assert {each for each in slots if each.startswith("score.")} == {
        f"score.{name}" for name, each in config.models.items() if not each.shadow
    }
    for model in compile_rules(config).models:
        assert {each.name for each in model.inputs} <= set(slots)
    _assert_triggers_can_be_compiled(decide)


def _assert_triggers_can_be_compiled(decide: DecidePlan) -> None:
    slots = {name: number for number, name in enumerate(decide.slot_names)}
    for trigger in decide.triggers:
        for step in trigger.steps:
            if step.when:
                assert compile_function(step.when, slots)([None] * len(slots), 0) in {True, False}
            for template in filter(None, (field.template for field in step.payload)):
                seen = names_in(template)
                assert {name for name in seen if not name.startswith("event.")} <= set(slots)
                assert isinstance(compile_template(template)({}), str)


def _assert_source_and_sinks_fit(config: Config) -> None:
    source, sinks = config.source, config.sinks
    if source:
        assert (source.files is None) != (source.kafka is None)
    if sinks:
        assert (sinks.files is None) != (sinks.kafka is None)
    for kafka in (source and source.kafka, sinks and sinks.kafka):
        if kafka and kafka.security and kafka.security.protocol == "SASL_SSL":
            assert kafka.security.mechanism
            assert kafka.security.username
            assert kafka.security.password
    if sinks and sinks.kafka:
        assert config.sink_brokers
        if source and source.kafka and config.sink_brokers == source.kafka.brokers:
            topics = {config.sink_prefix + kind for kind in SINK_TOPICS}
            assert source.kafka.topic not in topics


ON_ONE_LINE = st.text(st.characters(exclude_characters="\r\n\x85\u2028\u2029"), max_size=5)


@settings(deadline=None)
@given(
    before=ON_ONE_LINE | st.sampled_from([*"!*&|>%@{['", "!!", "!<", "${", "? ", "a: ", "{5, "]),
    after=ON_ONE_LINE | st.sampled_from(["!x", "}", ", 4711}", "${", ": b", ": {", "]", '"', ">"]),
)
@example(before="!", after="!x")
@example(before="{5, ", after=", 4711}")
def test_no_message_ever_shows_a_password(path: Path, before: str, after: str) -> None:
    text = f"name: s\nsinks:\n  kafka:\n    security:\n      password: {before}4711{after}\n"
    path.write_bytes(text.encode(errors="replace"))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert "4711" not in str(caught.value)
