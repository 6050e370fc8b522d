"""What a rule is, apart from how it is written: for versions and for stored layouts.

A definition is canonical JSON of the rule's keys with every default filled in and durations in
milliseconds. So neither the order of keys nor formatting, neither ``60m`` for ``1h`` nor a default
that is spelled out makes a rule another one.
"""

import hashlib
import json
from typing import Any

from config.features import PERIODS_MS
from config.section import Section

VERSION_DIGITS = 8


def definition(rule: Section) -> str:
    """Give the one text for all ways of writing this rule or collected value."""
    return json.dumps(
        rule.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":")
    )


def rule_version(rule: Section) -> str:
    """Give the rule's version: the first 8 hex digits of the SHA-256 of its definition."""
    digest = hashlib.sha256(definition(rule).encode("ascii")).hexdigest()
    return digest[:VERSION_DIGITS]


def reach_ms(feature: str) -> int | None:
    """Say how far back a feature looks, None for one that looks back to the beginning.

    Args:
        feature: its definition.
    """
    rule: dict[str, Any] = json.loads(feature)
    return PERIODS_MS[rule["per"]] if rule.get("per") else rule.get("over")
