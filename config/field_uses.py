"""Which rules of a file read which fields of events, and as what.

Works on plain values; what cannot be read is passed over.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from config.features import FEATURE_KINDS
from config.identity import EXTERNAL_IDS, PREVIOUS_ID, USER_ID, external_type
from config.measures import COLLECT_KINDS, Measure, kinds_in
from config.plain import Path, mapping_at
from config.scopes import CONTEXT_FIELDS
from config.trigger_names import written_in
from config.written import EVENT, read_condition, read_value, readable
from expressions import Tree, Type, field_types, names
from expressions.tree import Name

Role = Literal["value", "condition", "key", "message", "consent", "id", "kind"]
"""What a rule does with a field: takes it, compares it, tells things apart by it, sends it on;
tells customers apart by it, or finds the id by it that does."""

_NUMBERS = frozenset({"sum", "min", "max", "mean"})
_TRAIT, _CONTEXT = "trait.", "context."
_CONDITIONS = ("when", "enter", "leave")
_PREFERENCES = ("context.consent", "context.consentManagement")
_TIMEZONE = "context.timezone"


class Use(NamedTuple):
    """A rule that reads a field.

    Attributes:
        where: it stands in the config.
        field: the path in events, without what marks lists.
        role: what it is wanted for.
        is_number: whether nothing else will do.
    """

    where: Path
    field: str
    role: Role
    is_number: bool = False


def field_uses(config: object) -> Iterator[Use]:
    """Give all uses of fields, in the order of the sections."""
    for path, kinds in ((("session", "collect"), COLLECT_KINDS), (("features",), FEATURE_KINDS)):
        for name, spec in mapping_at(config, *path).items():
            yield from _of_measure((*path, name), mapping_at(spec), kinds)
    for where, condition in _conditions(config):
        yield from _of_customer(where, list(names(condition)))
    for name, model in mapping_at(config, "models").items():
        target = mapping_at(mapping_at(model), "predicts").get("sum")
        if isinstance(target, str):
            yield Use(("models", name, "predicts", "sum"), target, "value")
        inputs = mapping_at(model).get("from")
        listed = inputs if isinstance(inputs, list) else []
        yield from _of_customer(("models", name, "from"), [str(each) for each in listed])
    for name in mapping_at(config, "triggers"):
        yield from _of_trigger(("triggers", name), mapping_at(config, "triggers", name))
    yield from _of_consent(config)
    yield from _of_identity(config)
    quiet = mapping_at(config, "quiet_hours")
    if quiet and "zone" not in quiet:
        yield Use(("quiet_hours",), _TIMEZONE, "key")


def _of_measure(
    path: Path, spec: Mapping[str, object], kinds: Mapping[str, type[Measure]]
) -> Iterator[Use]:
    found = kinds_in(spec, kinds)
    if len(found) != 1:
        return
    [kind] = found
    if "argument" in kinds[kind].model_fields:
        value = readable(spec[kind], read_value)
        is_plain = isinstance(value, Name)
        if value is not None:
            wanted = Type.NUMBER if kind in _NUMBERS and is_plain else Type.ANY
            yield from _of_event((*path, kind), value, "value", wanted)
    where = readable(spec.get("where"), read_condition)
    if where is not None:
        yield from _of_event((*path, "where"), where, "condition", Type.BOOLEAN)


def _conditions(config: object) -> Iterator[tuple[Path, Tree]]:
    for name, segment in mapping_at(config, "segments").items():
        keys = mapping_at(segment)
        written: dict[Path, object] = {
            ("segments", name, key): keys.get(key) for key in _CONDITIONS
        }
        if isinstance(segment, str):
            written = {("segments", name): segment}
        for path, text in written.items():
            tree = readable(text, read_condition)
            if tree is not None:
                yield path, tree


def _of_trigger(path: Path, trigger: dict[str, object]) -> Iterator[Use]:
    key = trigger.get("key")
    if isinstance(key, str):
        yield Use((*path, "key"), key, "key")
    for written in written_in(path, trigger):
        role: Role = "condition" if written.is_condition else "message"
        looked_at = list(written.places.values())
        yield from _of_customer(written.path, looked_at, role)
        if written.tree is not None:
            yield from _of_event(written.path, written.tree, role, Type.ANY)
        else:
            for name in looked_at:
                if name.startswith(EVENT):
                    yield Use(written.path, _field(name), role)


def _of_event(where: Path, tree: Tree, role: Role, wanted: Type) -> Iterator[Use]:
    """Give the fields of the event that an expression looks at."""
    types = field_types(tree, wanted)
    for name in dict.fromkeys(names(tree)):
        if name.startswith(EVENT):
            is_number = types.get(name) is Type.NUMBER
            yield Use(where, _field(name), role, is_number)


def _of_customer(where: Path, looked_at: list[str], role: Role = "condition") -> Iterator[Use]:
    """Give the fields whose last known value is kept because an expression names it."""
    for name in dict.fromkeys(looked_at):
        if name.startswith(_TRAIT):
            yield Use(where, f"traits.{name.removeprefix(_TRAIT)}", role)
        elif name.removeprefix(_CONTEXT) in CONTEXT_FIELDS and name.startswith(_CONTEXT):
            yield Use(where, CONTEXT_FIELDS[name.removeprefix(_CONTEXT)], role)


def _of_consent(config: object) -> Iterator[Use]:
    consent = mapping_at(config, "consent")
    if consent:
        for field in _PREFERENCES:
            yield Use(("consent",), field, "consent")
    region, signal = consent.get("region"), mapping_at(consent, "gpc").get("path")
    named: list[tuple[Path, object]] = [(("consent", "region"), region)]
    for where, path in [*named, (("consent", "gpc", "path"), signal)]:
        if isinstance(path, str):
            yield Use(where, path, "consent")


def _of_identity(config: object) -> Iterator[Use]:
    """Give the fields that name customers, beside those that every event is read by."""
    if not (isinstance(config, Mapping) and isinstance(config.get("identity"), Mapping)):
        return
    yield Use(("identity",), PREVIOUS_ID, "id")
    paths = mapping_at(config, "identity").get("customer")
    for number, path in enumerate(paths if isinstance(paths, list) else [paths]):
        where = (
            ("identity", "customer", number)
            if isinstance(paths, list)
            else ("identity", "customer")
        )
        if not isinstance(path, str) or path == USER_ID:
            continue
        if external_type(path):
            yield Use(where, f"{EXTERNAL_IDS}.id", "id")
            yield Use(where, f"{EXTERNAL_IDS}.type", "kind")
        else:
            yield Use(where, path, "id")


def _field(name: str) -> str:
    return name.removeprefix(EVENT).replace("[]", "")
