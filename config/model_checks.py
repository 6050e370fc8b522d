"""What must hold between the keys of models, and what the names in ``from`` may be.

A part of ``checks`` and of ``name_checks``; the same rules: plain values in, and what is wrong in
itself is passed over.
"""

from collections.abc import Iterator, Mapping

from config.environment import Substituted
from config.hints import hinted
from config.model_values import (
    BASELINE,
    LOGISTIC,
    RFM,
    RFM_PARTS,
    SESSION,
    predicted,
    unquoted,
)
from config.plain import KEY, Finding, Path, mapping_at
from config.river_kinds import KindError, is_classifier, river_class, try_class
from config.wording import quote
from config.written import read_condition, readable
from expressions import DictScope, ExpressionProblem, Type, check
from expressions.tree import Name

InExpression = tuple[Path, ExpressionProblem]

_OF_A_SUM = "a sum of numbers is predicted, and no event"
_ONLY_EVENTS = "goes with an event only: {} is for the chance that it comes"
_NO_EVENT = "a model looks at customers: make a feature of it, such as {last: …}"
_REFUSED = {
    "segment": "a segment may look at scores, so a model cannot look at segments: name what its"
    " condition looks at",
    "score": "a model cannot look at scores: name what that model looks at",
    "attribute": "a model cannot look at the customers' file yet: only at features, traits,"
    " session. and context.",
}
"""The names that no model looks at, by what stands before their dot."""
_A_NUMBER = {Type.NUMBER, Type.DURATION, Type.ANY}
_FITTING = {
    "recency": ({Type.TIME}, "a time, such as a feature {time: Order Completed}"),
    "frequency": (_A_NUMBER, "a number, such as a feature {count: Order Completed}"),
    "monetary": (_A_NUMBER, "a number, such as a feature {sum: …, of: Order Completed}"),
}
"""Of each part of RFM the types that it may have, and what it is."""


def check_models(config: object) -> Iterator[Finding]:
    """Give the path of each key of models that does not go with another."""
    for name, spec in mapping_at(config, "models").items():
        path, keys = ("models", name), mapping_at(spec)
        if keys.get("kind") != RFM:
            yield from _target(path, keys)
            yield from _kind(path, keys)
        if not isinstance(keys.get("predicts"), dict):
            yield from _moves(path, keys)
        yield from _twice(path, keys)


def windows_of_models(config: object) -> Iterator[Path]:
    """Give the paths of the durations that, with the session's gap, must be below the retention."""
    for name in mapping_at(config, "models"):
        yield ("models", name, "within")


def events_of_models(plain: object) -> Iterator[tuple[Path, str]]:
    """Give every event that the models of a config that is fine name, and where."""
    for name, spec in mapping_at(plain, "models").items():
        path, keys = ("models", name), mapping_at(spec)
        target = keys.get("predicts")
        if isinstance(target, str):
            yield (*path, "predicts"), predicted(target)[0]
        elif target is not None:
            yield (*path, "predicts", "of"), str(mapping_at(target)["of"])
        at = keys.get("at")
        for number, event in enumerate(at if isinstance(at, list) else []):
            yield (*path, "at", number), str(event)


def shadow_models(config: object) -> set[str]:
    """Give the names of the models whose scores no rule may use."""
    models = mapping_at(config, "models")
    return {name for name, spec in models.items() if unquoted(mapping_at(spec).get("shadow"))}


def check_inputs(config: object, scope: DictScope) -> Iterator[InExpression]:
    """Give what is wrong with the names that models look at.

    Args:
        config: plain values.
        scope: of segments.
    """
    for name, spec in mapping_at(config, "models").items():
        is_rfm = mapping_at(spec).get("kind") == RFM
        for key, text in _named(mapping_at(spec)):
            if isinstance(text, str) and text:
                problem = _input(text, scope) or (_part(str(key), text, scope) if is_rfm else None)
                if problem:
                    yield ("models", name, "from", key), problem


def _named(keys: Mapping[str, object]) -> list[tuple[str | int, object]]:
    """Give what a model looks at, each with its place in ``from``: a list, or parts by name."""
    named = keys.get("from")
    if keys.get("kind") == RFM:
        parts = mapping_at(named)
        return [(part, parts[part]) for part in RFM_PARTS if part in parts]
    return list(enumerate(named if isinstance(named, list) else []))


def _part(part: str, text: str, scope: DictScope) -> ExpressionProblem | None:
    """Find what can be no time, or no number, where RFM needs one."""
    fits, what = _FITTING[part]
    if scope.resolve(text.strip()) in fits:
        return None
    return ExpressionProblem(f"{text.strip()} does not fit: {part} is {what}", 0, len(text))


def _input(text: str, scope: DictScope) -> ExpressionProblem | None:
    tree = readable(text, read_condition)
    if not isinstance(tree, Name):
        message = "expected the name of a feature, or of session., trait. or context.; make a"
        return ExpressionProblem(f"{message} feature of what is worked out", 0, len(text))
    name = tree.name
    space = name.partition(".")[0]
    if space in _REFUSED and "." in name:
        return ExpressionProblem(_REFUSED[space], tree.start, tree.end)
    if "[]" in name:
        message = f"{name} looks into an array, which only the fields of a feature may"
        return ExpressionProblem(message, tree.start, tree.end)
    found = scope.resolve(name)
    if found is Type.LIST:
        message = f"{name} is a list; a model looks at single values: take its number by"
        return ExpressionProblem(f"{message} {{distinct: …}} or {{count: …}}", tree.start, tree.end)
    if found is not None:
        return None
    [problem] = check(tree, _inputs_only(scope)).problems
    return hinted(problem, {tree.start: name}, _inputs_only(scope), without_event=_NO_EVENT)


def _inputs_only(scope: DictScope) -> DictScope:
    """Leave out what no model looks at, so that it is not what was meant."""
    known = {
        name: kind
        for name in scope.names()
        if name.partition(".")[0] not in _REFUSED and (kind := scope.resolve(name))
    }
    return DictScope(known, {"trait.": Type.ANY})


def _target(path: Path, keys: Mapping[str, object]) -> Iterator[Finding]:
    """Find keys that do not go with what is predicted."""
    target = keys.get("predicts")
    if isinstance(target, dict):
        summed = target.get("sum")
        if isinstance(summed, str) and "[]" in summed:
            message = "a model adds up one number of each event, not those of an array's items"
            hidden = isinstance(summed, Substituted)
            found = "" if hidden else f"found {quote(summed)}, "
            yield (*path, "predicts", "sum"), f"{found}expected a path without []: {message}"
        for key in ("threshold", "calibrate"):
            if key in keys and unquoted(keys[key]) is not False:
                yield (*path, key, KEY), f"found with a sum, {_ONLY_EVENTS.format(key)}"
        return
    if isinstance(target, str) and predicted(target)[1] and keys.get("within") == SESSION:
        end = "that no event comes is predicted for a fixed time"
        yield (*path, "within"), f"found session, expected a duration such as 30d: {end}"


def _moves(path: Path, keys: Mapping[str, object]) -> Iterator[Finding]:
    """Find a move that no score between 0 and 1 makes."""
    moves = unquoted(mapping_at(keys.get("emit")).get("moves"))
    if isinstance(moves, int | float) and moves > 1:
        message = f"found {moves:g}, expected at most 1: scores lie between 0 and 1"
        yield (*path, "emit", "moves"), message


def _kind(path: Path, keys: Mapping[str, object]) -> Iterator[Finding]:
    """Find a kind that does not go with what is predicted, or with its parameters."""
    kind, target = keys.get("kind"), keys.get("predicts")
    is_sum = isinstance(target, dict)
    if kind == LOGISTIC:
        if is_sum:
            end = f"expected {BASELINE} or a regressor such as linear_model.LinearRegression"
            yield (*path, "kind"), f"found {LOGISTIC}, but {_OF_A_SUM}; {end}"
        parameters = mapping_at(keys.get("parameters"))
        if unquoted(parameters.get("l1")) and unquoted(parameters.get("l2")):
            yield (*path, "parameters", "l2"), "found beside l1, expected one of the two"
    elif isinstance(kind, str) and "." in kind:
        yield from _river(path, keys, kind, is_sum=is_sum, is_event=isinstance(target, str))


def _river(
    path: Path, keys: Mapping[str, object], kind: str, *, is_sum: bool, is_event: bool
) -> Iterator[Finding]:
    try:
        found = river_class(kind)
    except KindError as error:
        hidden = isinstance(kind, Substituted)
        yield (*path, "kind"), "expected a class of River" if hidden else str(error)
        return
    if is_classifier(found) and is_sum:
        yield (*path, "kind"), f"{kind} is a classifier, but {_OF_A_SUM}; expected a regressor"
        return
    if is_event and not is_classifier(found):
        message = f"{kind} is a regressor; whether an event comes is predicted by a classifier"
        yield (*path, "kind"), message
        return
    given = mapping_at(keys.get("parameters"))
    parameters = {name: _plain(value) for name, value in given.items()}
    hidden = any(isinstance(value, Substituted) for value in given.values())
    try:
        try_class(found, parameters, hidden=hidden)
    except KindError as error:
        at: Path = ("parameters", error.parameter) if error.parameter else ("parameters",)
        yield (*path, *(at if given else ("kind",))), str(error)


def _plain(value: object) -> object:
    return [unquoted(each) for each in value] if isinstance(value, list) else unquoted(value)


def _twice(path: Path, keys: Mapping[str, object]) -> Iterator[Finding]:
    seen = set()
    for key, name in _named(keys):
        if isinstance(name, str):
            if name in seen:
                yield (*path, "from", key), "found a second time, expected each name once"
            seen.add(name)
