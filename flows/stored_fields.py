"""All that a config lets be kept of a person, as a document: fields, outputs, what is hidden."""

import msgspec

from config import Config
from flows.field_uses import FieldUse, FieldUses
from flows.identity import identity_plan
from flows.job import kinds_of, plans_of
from flows.privacy import privacy_plan
from operators.plans import DecidePlan
from operators.privacy_plan import ALL, Path, PrivacyPlan

WHOLE_EVENTS = ("late", "dead-letters")
"""The outputs that hold events as they came, without what is hidden."""

_DONE = {"drop": "dropped", "hash": "hashed", "mask": "masked"}


class Hidden(msgspec.Struct, frozen=True):
    """A path under ``privacy``, and what becomes of the field."""

    field: str
    how: str


class StoredFields(msgspec.Struct, frozen=True):
    """What is kept under a config.

    Attributes:
        config: its name.
        retention_ms: how long a customer who is not seen any more is kept.
        fields: the uses of fields; no other field of an event is kept, or read.
        derived: what is worked out of them and kept as well.
        hidden: what becomes of fields before anything else sees them.
        outputs: where each kind of output goes; its name alone where the command says where.
        whole_events: the kinds of outputs that hold events with all their other fields.
    """

    config: str
    retention_ms: int
    fields: list[FieldUse]
    derived: list[str]
    hidden: list[Hidden]
    outputs: dict[str, str]
    whole_events: list[str]


def stored_fields(config: Config) -> StoredFields:
    """Work out what is kept under a config, and where it goes."""
    profile, decide = plans_of(config)
    privacy = privacy_plan(config) or PrivacyPlan()
    uses = {
        msgspec.json.encode(each): each
        for each in FieldUses(profile, decide, identity_plan(config)).all()
    }
    return StoredFields(
        config=config.name,
        retention_ms=config.retention_ms,
        fields=[
            msgspec.structs.replace(each, hidden=_hidden(each.field, privacy))
            for each in uses.values()
        ],
        derived=[
            *(f"segments.{each.name}" for each in decide.segments),
            *(f"score.{each.name}" for each in decide.models),
        ],
        hidden=[
            Hidden(".".join(path), done)
            for kind, done in _DONE.items()
            for path in getattr(privacy, kind)
        ],
        outputs={kind: _place(config, kind) for kind in _kinds(config, decide)},
        whole_events=list(WHOLE_EVENTS),
    )


def _kinds(config: Config, decide: DecidePlan) -> list[str]:
    forgets = bool(config.privacy and config.privacy.forget_events)
    return kinds_of(decide, links=config.identity is not None, forgets=forgets)


def _hidden(field: str, privacy: PrivacyPlan) -> str | None:
    parts = tuple(field.split("."))
    for kind, done in _DONE.items():
        paths: tuple[Path, ...] = getattr(privacy, kind)
        for path in paths:
            above = path[:-1] if path[-1] == ALL else path
            if parts[: len(above)] == above and (above == path or len(parts) > len(above)):
                return done
    return None


def _place(config: Config, kind: str) -> str:
    sinks = config.sinks
    if sinks is None:
        return kind
    return f"{config.sink_prefix}{kind}" if sinks.kafka else f"{sinks.files}/{kind}.jsonl"
