"""The names that expressions may use, and their types.

Two sets: what an event holds, for features; what is known of a customer, for segments.
"""

from collections.abc import Iterable, Mapping

from config.features import FEATURE_KINDS, LastFeature
from config.model_values import score_names
from config.models import Config
from config.written import EVENT
from expressions import KEYWORDS, DictScope, Scope, Tree, Type, check
from expressions.functions import FUNCTIONS
from expressions.slips import NOTHING

EVENT_SCOPE = DictScope(
    {
        f"{EVENT}name": Type.TEXT,
        f"{EVENT}hour": Type.NUMBER,
        f"{EVENT}weekday": Type.NUMBER,
        f"{EVENT}date": Type.TEXT,
    },
    {f"{EVENT}{root}.": Type.ANY for root in ("properties", "context", "traits")},
)
"""What an event holds."""

CONTEXT_FIELDS = {
    "device": "context.device.type",
    "locale": "context.locale",
    "country": "context.location.country",
    "region": "context.location.region",
    "campaign": "context.campaign.name",
    "referrer": "context.referrer.url",
    "timezone": "context.timezone",
}
"""The names after ``context.`` whose last known value is kept, and the field of each."""
CLOCK = ("hour", "weekday")
"""The names after ``context.`` that depend on the moment alone."""

SESSION_FIELDS = {"duration": Type.DURATION, "events": Type.NUMBER, "start": Type.TIME}
"""The names after ``session.`` that each session has."""

ATTRIBUTE_TYPES = {"text": Type.TEXT, "number": Type.NUMBER, "true_false": Type.BOOLEAN}

RESERVED_NAMES = frozenset(
    {"session", "segment", "score", "trait", "attribute", "context", "event"}
    | {"properties", "traits"}
    | NOTHING
    | KEYWORDS
    | set(FUNCTIONS)
)
"""What no feature may be called: it would be taken for something else."""

_TYPES = {"time": Type.TIME, "recent": Type.LIST, "first": None, "last": None}
"""The types of the kinds that are no numbers; None: that of the value."""


def measured_type(kind: str, value: Tree | None) -> Type:
    """Give the type of a feature, or of what a session collects.

    Args:
        kind: one of the kinds.
        value: what is taken of the event, None where that is not known.
    """
    assert kind in FEATURE_KINDS, kind
    found = _TYPES.get(kind, Type.NUMBER)
    if found is not None:
        return found
    return Type.ANY if value is None else check(value, EVENT_SCOPE).type


def customer_scope(
    features: Mapping[str, Type],
    collected: Mapping[str, Type],
    segments: Iterable[str],
    attributes: Mapping[str, Type],
    scores: Iterable[str] = (),
) -> DictScope:
    """Make the scope of segments.

    Args:
        features: the type of each.
        collected: the type of each value that sessions collect.
        segments: their names.
        attributes: the type of each column of the customers' file.
        scores: what stands behind ``score.``, of the models that steer something.
    """
    known = dict(features)
    spaces: dict[str, Mapping[str, Type]] = {
        "session": {**collected, **SESSION_FIELDS},
        "segment": dict.fromkeys(segments, Type.BOOLEAN),
        "score": dict.fromkeys(scores, Type.NUMBER),
        "attribute": attributes,
        "context": {
            **dict.fromkeys(CONTEXT_FIELDS, Type.ANY),
            **dict.fromkeys(CLOCK, Type.NUMBER),
        },
    }
    for space, names in spaces.items():
        known |= {f"{space}.{name}": kind for name, kind in names.items()}
    return DictScope(known, {"trait.": Type.ANY})


class _Both:
    """The names of two scopes that have none in common."""

    def __init__(self, one: Scope, other: Scope) -> None:
        self._scopes = (one, other)

    def resolve(self, name: str) -> Type | None:
        one, other = self._scopes
        return one.resolve(name) or other.resolve(name)

    def names(self) -> Iterable[str]:
        return [name for scope in self._scopes for name in scope.names()]


def event_and_customer(customer: Scope) -> Scope:
    """Make the scope of what looks at an event and at its customer, from that of segments."""
    return _Both(customer, EVENT_SCOPE)


def scope_of(config: Config) -> DictScope:
    """Make the scope of the segments of a config that is fine."""
    attributes = config.attributes.columns if config.attributes else {}
    return customer_scope(
        {name: measured_type(each.kind, each.value) for name, each in config.features.items()},
        {
            name: measured_type(each.kind, each.value)
            for name, each in config.session.collect.items()
        },
        config.segments,
        {name: ATTRIBUTE_TYPES[kind] for name, kind in attributes.items()},
        [
            score
            for name, each in config.models.items()
            if not each.shadow
            for score in score_names(name, each.kind)
        ],
    )


def known_value(name: str) -> LastFeature:
    """Give the feature that a name of ``trait.`` or ``context.`` stands for: the last value."""
    space, _, rest = name.partition(".")
    if space == "trait":
        return LastFeature.model_validate({"last": f"traits.{rest}", "of": "identify"})
    return LastFeature.model_validate({"last": CONTEXT_FIELDS[rest]})
