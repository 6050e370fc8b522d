"""The reference in docs/config.md names every key, and no other."""

import re
from pathlib import Path

import pytest

from config.explain import keys_at
from config.models import COLLECT_KINDS

REFERENCE = Path(__file__).parents[2] / "docs" / "config.md"
NAMES = ("source", "sinks", "time", "epoch", "state", "session", "duplicates", "http")
SECTIONS = {
    "": (),
    **{f"{name}.": (name,) for name in NAMES},
    "source.kafka.": ("source", "kafka"),
    "source.kafka.security.": ("source", "kafka", "security"),
    "sinks.kafka.": ("sinks", "kafka"),
    "triggers.NAME.": ("triggers", "NAME"),
    **{f"{kind}: ": ("session", "collect", "NAME", f"<{kind}>") for kind in COLLECT_KINDS},
}


def _named_in_tables() -> set[str]:
    text = REFERENCE.read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("prefix", [name for name in SECTIONS if not name.endswith(": ")])
def test_every_key_of_a_section_has_its_line(prefix: str) -> None:
    keys = keys_at(SECTIONS[prefix])
    assert keys
    expected = {prefix + key for key in keys if prefix or key not in (*NAMES, "triggers")}
    assert expected <= _named_in_tables()


def test_the_sink_takes_the_sources_keys_for_security() -> None:
    assert keys_at(("sinks", "kafka", "security")) == keys_at(("source", "kafka", "security"))


@pytest.mark.parametrize("kind", COLLECT_KINDS)
def test_every_kind_of_collected_value_has_its_line(kind: str) -> None:
    lines = [name for name in _named_in_tables() if name.startswith(f"{{{kind}: ")]
    assert len(lines) == 1
    assert set(re.findall(r"(\w+): ", lines[0])) == set(keys_at(SECTIONS[f"{kind}: "]))


def test_no_line_names_a_key_that_does_not_exist() -> None:
    valid = {prefix + key for prefix, path in SECTIONS.items() for key in keys_at(path)}
    for name in _named_in_tables():
        assert name in valid or name.startswith("{"), name
