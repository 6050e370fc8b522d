"""What is wrong with the names and types in expressions, across the whole file.

Like ``checks`` it works on the plain values of the file, so that everything is found at once; an
expression that cannot be read is passed over here.
"""

from collections.abc import Iterator, Mapping

from config.event_checks import check_event_expression
from config.features import FEATURE_KINDS
from config.hints import SEGMENT, hinted
from config.measures import COLLECT_KINDS, Measure, kinds_in
from config.model_checks import check_inputs, shadow_models
from config.model_values import score_names
from config.plain import Path, mapping_at
from config.scopes import ATTRIBUTE_TYPES, customer_scope, measured_type
from config.segment_order import cycles
from config.trigger_names import check_names_of_triggers
from config.written import read_condition, read_value, readable
from expressions import DictScope, ExpressionProblem, Tree, Type, check
from expressions.tree import Name, walk

InExpression = tuple[Path, ExpressionProblem]
"""Which value of the file, and what is wrong inside it."""

CONDITIONS = ("when", "enter", "leave")
_ITEMS = "[]"
_MOST_IN_A_CYCLE = 12


def check_names(config: object) -> Iterator[InExpression]:
    """Give what is wrong inside the expressions of the file, and what the models look at."""
    for path, kinds in ((("features",), FEATURE_KINDS), (("session", "collect"), COLLECT_KINDS)):
        for name, spec in mapping_at(config, *path).items():
            yield from _measure((*path, name), mapping_at(spec), kinds)
    scope = _scope(config)
    conditions = dict(_conditions(config))
    shadows = shadow_models(config)
    for where, tree in conditions.items():
        places = _names_by_place(tree)
        for problem in check(tree, scope, Type.BOOLEAN).problems:
            yield where, hinted(problem, places, scope, own=str(where[1]), shadows=shadows)
        for start, name in places.items():
            if _ITEMS in name and scope.resolve(name):
                message = f"{name} looks into an array, which only the fields of a feature may"
                yield where, ExpressionProblem(message, start, start + len(name))
    yield from _cycles(conditions)
    yield from check_names_of_triggers(config, scope)
    yield from check_inputs(config, scope)


def _measure(
    path: Path, spec: Mapping[str, object], kinds: Mapping[str, type[Measure]]
) -> Iterator[InExpression]:
    found = kinds_in(spec, kinds)
    if len(found) != 1:
        return
    [kind] = found
    takes_value = "argument" in kinds[kind].model_fields
    value = readable(spec[kind], read_value) if takes_value else None
    where = readable(spec.get("where"), read_condition)
    array: str | None = None
    for key, tree in ((kind, value), ("where", where)):
        if tree is not None:
            array, problems = check_event_expression(tree, kind if key == kind else None, array)
            for problem in problems:
                yield (*path, key), problem


def _scope(config: object) -> DictScope:
    columns = mapping_at(config, "attributes", "columns")
    models = mapping_at(config, "models")
    return customer_scope(
        _types(mapping_at(config, "features"), FEATURE_KINDS),
        _types(mapping_at(config, "session", "collect"), COLLECT_KINDS),
        mapping_at(config, "segments"),
        {name: ATTRIBUTE_TYPES.get(str(kind), Type.ANY) for name, kind in columns.items()},
        [
            score
            for name, spec in models.items()
            if name not in shadow_models(config)
            for score in score_names(name, mapping_at(spec).get("kind"))
        ],
    )


def _types(specs: Mapping[str, object], kinds: Mapping[str, type[Measure]]) -> Mapping[str, Type]:
    types = {}
    for name, spec in specs.items():
        found = kinds_in(mapping_at(spec), kinds)
        if len(found) == 1:
            types[name] = measured_type(found[0], readable(mapping_at(spec)[found[0]], read_value))
        else:
            types[name] = Type.ANY  # so that what is wrong with it is said once
    return types


def _conditions(config: object) -> Iterator[tuple[Path, Tree]]:
    for name, segment in mapping_at(config, "segments").items():
        if isinstance(segment, str):
            written: dict[Path, object] = {("segments", name): segment}
        else:
            keys = mapping_at(segment)
            written = {("segments", name, key): keys.get(key) for key in CONDITIONS}
        for path, text in written.items():
            tree = readable(text, read_condition)
            if tree is not None:
                yield path, tree


def _cycles(conditions: Mapping[Path, Tree]) -> Iterator[InExpression]:
    segments = {str(path[1]) for path in conditions}
    uses: dict[str, dict[str, tuple[Path, Name]]] = {name: {} for name in segments}
    for path, tree in conditions.items():
        for node in walk(tree):
            if isinstance(node, Name) and node.name.startswith(SEGMENT):
                uses[str(path[1])].setdefault(node.name.removeprefix(SEGMENT), (path, node))
    in_file = {str(path[1]): list(uses[str(path[1])]) for path in conditions}
    for cycle in cycles(in_file):
        path, node = uses[cycle[0]][cycle[1]]
        shown = cycle if len(cycle) <= _MOST_IN_A_CYCLE else [*cycle[:_MOST_IN_A_CYCLE], "…"]
        message = f"a segment cannot depend on itself: {' → '.join(shown)}"
        yield path, ExpressionProblem(message, node.start, node.end)


def _names_by_place(tree: Tree) -> dict[int, str]:
    return {node.start: node.name for node in walk(tree) if isinstance(node, Name)}
