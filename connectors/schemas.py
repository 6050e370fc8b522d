"""JSON Schemas (draft 2020-12) of what is written: for lines of files, and for records of topics.

They say the same as ``rendering`` and ``dead_letters`` do, for whoever reads the outputs. Nothing
may stand in an output that its schema does not name, so a new field is noticed.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from connectors.dead_letters import PREFIX
from operators.decisions import OUTCOMES, REASONS
from operators.features.plan import FeaturePlan
from operators.head_types import NAME_CHARACTERS
from operators.models.quantiles import TIERS
from operators.models.rfm import PARTS

Schema = dict[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
}
_CUSTOMER: Schema = {"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS}
_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TIER: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": TIERS}
_NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_SCALAR_OR_NULL: Schema = {"type": ["string", "number", "boolean", "null"]}
_REVISION: Schema = {
    "type": "integer",
    "minimum": 1,
    "description": "of one session the highest counts",
}
_VERSION = "^[0-9a-f]{8}$"
_STAGES = ["read", "map", "route", "profile"]
_ORIGINS = ["event", "timer", "grace", "reconcile"]
_MERGE = "merge"

COLLECTED: dict[str, Callable[[FeaturePlan], Schema]] = {
    "count": lambda _plan: _COUNT,
    "sum": lambda _plan: {"type": "number"},
    "min": lambda _plan: _NUMBER_OR_NULL,
    "max": lambda _plan: _NUMBER_OR_NULL,
    "first": lambda _plan: _SCALAR_OR_NULL,
    "last": lambda _plan: _SCALAR_OR_NULL,
    "distinct": lambda plan: {**_COUNT, "maximum": plan.at_most},
    "mean": lambda _plan: _NUMBER_OR_NULL,
    "time": lambda _plan: {**_TIME, "type": ["string", "null"]},
    "recent": lambda plan: {"type": ["array", "null"], "items": _SCALAR, "maxItems": plan.at_most},
}
"""What a session's record holds for each kind of collected value."""


class _Form(NamedTuple):
    """One form of a kind's events: its types, how their ids end, and their data."""

    types: Sequence[str]
    id_end: str
    data: Schema


class Has(NamedTuple):
    """What a config has, beside sessions.

    Attributes:
        segments: whether there are segments.
        triggers: whether there are messages and decisions.
        models: whether there are scores.
        identity: whether anonymous ids are linked to customers.
    """

    segments: bool
    triggers: bool
    models: bool = False
    identity: bool = False


def file_schemas(name: str, collect: Sequence[FeaturePlan], has: Has) -> dict[str, Schema]:
    """Describe the lines of each file, by kind of output.

    Args:
        name: of the config.
        collect: what its sessions collect.
        has: what it has besides.
    """
    schemas = {
        kind: _titled(name, kind, "file", _one_of([_event(name, form) for form in forms]))
        for kind, forms in _forms(collect, has).items()
    }
    schemas["dead-letters"] = _titled(name, "dead-letters", "file", _dead_letter_line())
    return schemas


def record_schemas(name: str, collect: Sequence[FeaturePlan], has: Has) -> dict[str, Schema]:
    """Describe the values of each topic's records, by kind of output; see file_schemas.

    A dead letter's value is what came, whatever it is; its schema describes the headers that were
    added, each a text, by name.
    """
    schemas = {
        kind: _titled(name, kind, "record", _one_of([form.data for form in forms]))
        for kind, forms in _forms(collect, has).items()
    }
    schemas["dead-letters"] = _titled(name, "dead-letters", "record", _dead_letter_headers())
    return schemas


def _forms(collect: Sequence[FeaturePlan], has: Has) -> dict[str, list[_Form]]:
    forms = {
        "sessions": [
            _Form(["session.closed"], "[1-9][0-9]*", _session(collect)),
            _Form(["session.retracted"], "retracted", _retracted_session()),
        ],
        "customers": [_Form(["customer.deleted"], "deleted", _deleted())],
    }
    if has.segments:
        types = ["segment.entered", "segment.left"]
        forms["segments"] = [_Form(types, "[0-9]{6,}", _membership(has))]
    if has.triggers:
        forms["triggers"] = [
            _Form(["trigger.sent"], "sent", _message()),
            _Form(["trigger.retracted"], "retracted", _retracted_message()),
        ]
        forms["decisions"] = [_Form(["decision"], "decision", _decision())]
    if has.models:
        forms["scores"] = [_Form(["score"], "[0-9]{6,}", _score())]
        forms["models"] = [_Form(["model.drift"], "drift", _drift())]
    if has.identity:
        forms["identity"] = [
            _Form(["identity.merged"], "merged", _merged()),
            _Form(["identity.refused"], "refused", _refused()),
        ]
    return forms


def _one_of(schemas: Sequence[Schema]) -> Schema:
    return {"oneOf": list(schemas)} if len(schemas) > 1 else schemas[0]


def _titled(name: str, kind: str, form: str, schema: Schema) -> Schema:
    return {
        "$schema": DIALECT,
        "$id": f"urn:cartwheel:{name}:{kind}:{form}",
        "title": f"{kind} of {name}, as a {form}",
        **schema,
    }


def _object(properties: dict[str, Schema], *, optional: Sequence[str] = ()) -> Schema:
    """Describe an object with these properties and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _event(name: str, form: _Form) -> Schema:
    """Describe a CloudEvent in structured mode."""
    return _object(
        {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "pattern": f"^[0-9a-f]{{32}}-{form.id_end}$"},
            "source": {"const": f"cartwheel/{name}"},
            "type": {"enum": [f"cartwheel.{each}" for each in form.types]},
            "subject": {**_CUSTOMER, "description": "the customer"},
            "time": {**_TIME, "description": "event time"},
            "datacontenttype": {"const": "application/json"},
            "data": form.data,
        }
    )


def _deleted() -> Schema:
    suppressed = "whether later events of the customer are dropped"
    return _object({"suppressed": {"type": "boolean", "description": suppressed}})


def _session(collect: Sequence[FeaturePlan]) -> Schema:
    properties: dict[str, Schema] = {
        "session_id": _ID,
        "start": _TIME,
        "end": _TIME,
        "duration_s": {"type": "number", "minimum": 0},
        "events": {"type": "integer", "minimum": 1},
        "revision": _REVISION,
    }
    optional = []
    for plan in collect:
        properties[plan.name] = COLLECTED[plan.kind](plan)
        if plan.kind == "distinct":
            inexact = f"{plan.name}_exact"
            properties[inexact] = {"const": False, "description": "there were more than that"}
            optional.append(inexact)
    return _object(properties, optional=optional)


def _retracted_session() -> Schema:
    return _object(
        {
            "session_id": _ID,
            "revision": _REVISION,
            "merged_into": {**_ID, "description": "the session that it is part of"},
        }
    )


def _membership(has: Has) -> Schema:
    return _object(
        {
            "segment": {"type": "string", "minLength": 1},
            "version": {"type": ["string", "null"], "pattern": _VERSION},
            "origin": {"enum": [*_ORIGINS, _MERGE] if has.identity else _ORIGINS},
        }
    )


def _merged() -> Schema:
    past = "how many events of the anonymous id are the customer's past now"
    return _object(
        {
            "anonymous": _CUSTOMER,
            "customer": _CUSTOMER,
            "events": {**_COUNT, "description": past},
        }
    )


def _refused() -> Schema:
    known: Schema = {"const": "known", "description": "the anonymous id is a customer's own"}
    return _object({"anonymous": _CUSTOMER, "customer": _CUSTOMER, "reason": known})


def _score() -> Schema:
    return _object(
        {
            "model": {"type": "string", "minLength": 1},
            "version": {"type": "string", "pattern": _VERSION},
            "score": {"type": "number", "description": "0 to 1, but of models that predict a sum"},
            "tiers": {**_object(dict.fromkeys(PARTS, _TIER)), "description": "of rfm models"},
            "cause": {"type": "array", "items": _TEXT, "maxItems": 1},
            "moment": _TIME,
            "shadow": {"const": True, "description": "of a model that steers nothing"},
        },
        optional=["tiers", "shadow"],
    )


def _drift() -> Schema:
    """Describe what a model says of itself; the subject of these events is the model."""
    return _object(
        {
            "model": {"type": "string", "minLength": 1},
            "version": {"type": "string", "pattern": _VERSION},
            "what": {"enum": ["error", "label", "input"], "description": "what has changed"},
            "input": {"type": "string", "minLength": 1, "description": "its name"},
            "before": {"type": "number", "description": "the mean before the change"},
            "after": {"type": "number"},
        },
        optional=["input"],
    )


def _about_instance(version: Schema) -> dict[str, Schema]:
    return {
        "trigger": {"type": "string", "minLength": 1},
        "version": version,
        "instance": {**_ID, "description": "the same in its decision and its message"},
        "key": _TEXT,
        "step": {"type": "integer", "minimum": 1, "description": "of a trigger with several"},
        "started": _TIME,
        "due": _TIME,
    }


def _message() -> Schema:
    return _object(
        {
            **_about_instance({"type": "string", "pattern": _VERSION}),
            "channel": _TEXT_OR_NULL,
            "cause": {"type": "array", "items": _TEXT, "description": "messageIds"},
            "payload": {"type": "object", "description": "as the config says"},
            "payload_cut": {"const": True, "description": "its longest values are null"},
        },
        optional=["step", "payload_cut"],
    )


def _retracted_message() -> Schema:
    return _object(
        {
            **_about_instance({"type": "string", "pattern": _VERSION}),
            "cause": {**_TEXT_OR_NULL, "description": "the late event's messageId"},
        },
        optional=["step"],
    )


def _decision() -> Schema:
    is_suppressed = {"properties": {"outcome": {"const": "suppressed"}}}
    return {
        **_object(
            {
                **_about_instance({"type": ["string", "null"], "pattern": _VERSION}),
                "outcome": {"enum": list(OUTCOMES)},
                "reason": {"enum": [*REASONS, None]},
                "limit": {**_TEXT, "minLength": 1, "description": "the one that was reached"},
                "cause": {**_TEXT_OR_NULL, "description": "the deciding event's messageId"},
            },
            optional=["step", "limit"],
        ),
        "if": is_suppressed,
        "then": {"properties": {"reason": {"enum": list(REASONS)}}},
        "else": {"properties": {"reason": {"type": "null"}}},
        "allOf": [
            {
                "if": {"properties": {"reason": {"const": "limit"}}},
                "then": {"required": ["limit"]},
                "else": {"properties": {"limit": False}},
            }
        ],
    }


def _dead_letter_line() -> Schema:
    properties: dict[str, Schema] = {
        "file": _TEXT,
        "line": {"type": "integer", "minimum": 1},
        "topic": _TEXT,
        "partition": _COUNT,
        "offset": _COUNT,
        "stage": {"enum": _STAGES},
        "reason": _TEXT,
        "field": _TEXT_OR_NULL,
        "length": _COUNT,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "original": _TEXT_OR_NULL,
        "original_base64": {"type": "string", "contentEncoding": "base64"},
    }
    always = ("offset", "stage", "reason", "field")
    return {
        **_object(properties, optional=[name for name in properties if name not in always]),
        **_either_place(""),
        "allOf": [{"oneOf": [{"required": ["original"]}, {"required": ["original_base64"]}]}],
        "dependentRequired": {"length": ["sha256"], "sha256": ["length"]},
    }


def _dead_letter_headers() -> Schema:
    """Describe the headers that are added; the letter's own stand beside them."""
    number: Schema = {"type": "string", "pattern": "^[0-9]+$"}
    told: dict[str, Schema] = {
        "file": _TEXT,
        "line": number,
        "topic": _TEXT,
        "partition": number,
        "offset": number,
        "stage": {"enum": _STAGES},
        "exception.message": _TEXT,
        "field": _TEXT,
        "length": number,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }
    return {
        "type": "object",
        "properties": {PREFIX + name: schema for name, schema in told.items()},
        "required": [PREFIX + name for name in ("offset", "stage", "exception.message")],
        "patternProperties": {f"^(?!{PREFIX.replace('.', '[.]')})": True},
        "additionalProperties": False,
        **_either_place(PREFIX),
    }


def _either_place(prefix: str) -> Schema:
    """Say that a place is in a file or in a partition."""
    return {
        "oneOf": [
            {"required": [f"{prefix}{one}", f"{prefix}{other}"]}
            for one, other in (("file", "line"), ("topic", "partition"))
        ]
    }
