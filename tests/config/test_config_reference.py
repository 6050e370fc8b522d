"""The reference in docs/config.md names every key, and no other."""

import re
from pathlib import Path

import pytest

from config.explain import keys_at
from config.features import FEATURE_KINDS
from config.measures import COLLECT_KINDS

REFERENCE = Path(__file__).parents[2] / "docs" / "config.md"
FEATURES = REFERENCE.with_name("features.md")
NAMES = (
    *("source", "sinks", "time", "epoch", "state", "session", "duplicates", "attributes", "http"),
    *("quiet_hours", "holdout", "consent", "purposes", "identity", "privacy"),
)
MAPPINGS = ("triggers", "features", "segments", "models", "limits")
SECTIONS = {
    "": (),
    **{f"{name}.": (name,) for name in NAMES},
    "source.kafka.": ("source", "kafka"),
    "source.kafka.security.": ("source", "kafka", "security"),
    "sinks.kafka.": ("sinks", "kafka"),
    "triggers.NAME.": ("triggers", "NAME"),
    "triggers.NAME.then[].": ("triggers", "NAME", "then", 0),
    "limits[].": ("limits", 0),
    "consent.gpc.": ("consent", "gpc"),
    "identity.keep.": ("identity", "keep"),
    "segments.NAME.": ("segments", "NAME"),
    "models.NAME.": ("models", "NAME", "<river>"),
    "models.NAME.predicts.": ("models", "NAME", "<baseline>", "predicts", "<mapping>"),
    "models.NAME.from.": ("models", "NAME", "<rfm>", "from"),
    "models.NAME.emit.": ("models", "NAME", "<baseline>", "emit", "<mapping>"),
    "models.NAME.parameters.": ("models", "NAME", "<logistic_regression>", "parameters"),
    "models.NAME.parameters.class_weight.": (
        *("models", "NAME", "<logistic_regression>", "parameters", "class_weight"),
    ),
    **{f"{kind}: ": ("session", "collect", "NAME", f"<{kind}>") for kind in COLLECT_KINDS},
}
OF_FEATURES = {
    key for kind in FEATURE_KINDS for key in keys_at(("features", "NAME", f"<{kind}>"))
} - set(FEATURE_KINDS)


def _named_in_tables(page: Path = REFERENCE) -> set[str]:
    text = page.read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("prefix", [name for name in SECTIONS if not name.endswith(": ")])
def test_every_key_of_a_section_has_its_line(prefix: str) -> None:
    keys = keys_at(SECTIONS[prefix])
    assert keys
    expected = {prefix + key for key in keys if prefix or key not in (*NAMES, *MAPPINGS)}
    assert expected <= _named_in_tables()


def test_the_sink_takes_the_sources_keys_for_security() -> None:
    assert keys_at(("sinks", "kafka", "security")) == keys_at(("source", "kafka", "security"))


@pytest.mark.parametrize("kind", COLLECT_KINDS)
def test_every_kind_of_collected_value_has_its_line(kind: str) -> None:
    lines = [name for name in _named_in_tables() if name.startswith(f"{{{kind}: ")]
    assert len(lines) == 1
    keys = set(keys_at(SECTIONS[f"{kind}: "]))
    assert set(re.findall(r"(\w+): ", lines[0])) == keys - {"where"}
    assert "where" in keys
    assert "may have a `where`" in REFERENCE.read_text(encoding="utf-8").replace("\n", " ")


def test_every_key_of_features_has_its_line() -> None:
    named = {name for name in _named_in_tables() if name.startswith("features.NAME.")}
    assert named == {f"features.NAME.{key}" for key in {*OF_FEATURES, "KIND"}}
    [row] = re.findall(r"^\| `features.NAME.KIND` .*$", REFERENCE.read_text(), re.MULTILINE)
    assert set(FEATURE_KINDS) <= set(re.findall(r"`(\w+)`", row))


@pytest.mark.parametrize("kind", FEATURE_KINDS)
def test_every_kind_of_feature_has_its_line(kind: str) -> None:
    names = _named_in_tables(FEATURES)
    what = "VALUE" if "of" in keys_at(("features", "NAME", f"<{kind}>")) else "EVENT"
    assert f"{{{kind}: {what}}}" in names
    for key in OF_FEATURES:
        assert f"`{key}" in FEATURES.read_text(encoding="utf-8"), key


def test_no_line_names_a_key_that_does_not_exist() -> None:
    valid = {prefix + key for prefix, path in SECTIONS.items() for key in keys_at(path)}
    for name in _named_in_tables():
        assert name in valid or name.startswith(("{", "features.NAME.")), name
