"""What must hold between several keys of a config.

Works on the plain values of the file, not on the models: so it also finds what is wrong with the
good parts of a file that has bad ones, and everything can be reported at once. Values that are
wrong in themselves are passed over here.
"""

from collections.abc import Iterator

from config.consent_checks import check_consent
from config.identity_checks import KEEP_FOR, check_identity
from config.kafka_checks import check_kafka
from config.model_checks import check_models, windows_of_models
from config.models import Config, Session
from config.plain import KEY, Finding, Path, duration_at, mapping_at
from config.privacy_checks import check_privacy
from config.rule_checks import check_rules, durations_of_rules, periods
from config.trigger_checks import check_triggers, durations_of_triggers
from config.values import format_duration

RESERVED = ("session_id", "start", "end", "duration_s", "events", "revision")
"""The fixed fields of a session's record; collected values stand beside them."""


def check_all(config: object) -> Iterator[Finding]:
    """Give the path of each value or key that does not go with another, and why."""
    yield from _durations_below_retention(config)
    yield from _collected_names(config)
    yield from check_rules(config)
    yield from check_triggers(config)
    yield from check_models(config)
    yield from check_consent(config)
    yield from check_identity(config)
    yield from check_privacy(config)
    yield from check_kafka(config)


def _durations_below_retention(config: object) -> Iterator[Finding]:
    given = "retention" in mapping_at(config)
    retention_ms = duration_at(config, "retention") if given else _default_ms("retention_ms")
    if retention_ms is None:
        return
    limit = f"expected less than retention ({format_duration(retention_ms)})"
    paths: list[Path] = [("session", "gap"), KEEP_FOR, *durations_of_rules(config)]
    paths += durations_of_triggers(config)
    durations = [(path, duration_at(config, *path) or 0) for path in paths]
    for path, duration_ms in [*durations, *periods(config)]:
        if duration_ms >= retention_ms:
            yield path, f"found {format_duration(duration_ms)}, {limit}"
    default_gap_ms = Session().gap_ms
    gap_ms = duration_at(config, "session", "gap") or default_gap_ms
    grace_ms = duration_at(config, "time", "grace") or 0
    beside_gap: list[tuple[Path, int]] = [(("time", "grace"), grace_ms)]
    beside_gap += [(path, duration_at(config, *path) or 0) for path in windows_of_models(config)]
    for path, duration_ms in beside_gap:
        if duration_ms and gap_ms < retention_ms <= duration_ms + gap_ms:
            left = format_duration(retention_ms - gap_ms)
            less = f"expected less than retention without session.gap ({left})"
            yield path, f"found {format_duration(duration_ms)}, {less}"
    if "gap" not in mapping_at(config, "session") and default_gap_ms >= retention_ms:
        more = f"expected more than session.gap (by default {format_duration(default_gap_ms)})"
        yield ("retention",), f"found {format_duration(retention_ms)}, {more}"


def _collected_names(config: object) -> Iterator[Finding]:
    collect = mapping_at(config, "session", "collect")
    for name in collect:
        if name in RESERVED:
            yield (
                ("session", "collect", name, KEY),
                f"every session record has a field {name}: choose another name",
            )
        distinct = name.removesuffix("_exact")
        if distinct != name and "distinct" in mapping_at(collect, distinct):
            yield (
                ("session", "collect", name, KEY),
                f"the distinct {distinct} brings a field {name} of its own: choose another name",
            )


def _default_ms(field: str) -> int:
    default = Config.model_fields[field].default
    assert isinstance(default, int)
    return default
