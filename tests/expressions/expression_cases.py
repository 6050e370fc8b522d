"""Random well-typed expressions and rows, for hypothesis."""

from typing import Any

from hypothesis import strategies as st

from expressions import DictScope, Type
from expressions.tree import (
    And,
    Arithmetic,
    Boolean,
    Call,
    Compare,
    Duration,
    In,
    ListOf,
    Missing,
    Name,
    Negate,
    Not,
    Number,
    Or,
    Text,
    Tree,
)

NAMES = {
    "views_1h": Type.NUMBER,
    "session.spend": Type.NUMBER,
    "session.duration": Type.DURATION,
    "last_order": Type.TIME,
    "session.start": Type.TIME,
    "attribute.tier": Type.TEXT,
    "context.country": Type.TEXT,
    "segment.vip": Type.BOOLEAN,
    "recent": Type.LIST,
    "trait.plan": Type.ANY,
    "trait.age": Type.ANY,
}
SLOTS = {name: slot for slot, name in enumerate(NAMES)}
SCOPE = DictScope({k: v for k, v in NAMES.items() if v is not Type.ANY}, {"trait.": Type.ANY})

TEXTS = st.sampled_from(["", "a", "b", "Gold", "gold", "DE", 'say "x"\\', "é\n'"])
WHOLE = st.integers(-3, 5) | st.sampled_from([10**15 - 1, 250, -60_000])
NUMBERS = WHOLE | st.sampled_from([0.5, -2.5, 0.1, 1.5, 1e-15, 999999999999999.5])
DURATIONS = st.sampled_from([0, 1, 2, 250, 1_000, 60_000, 90_000, 86_400_000, -1_000])
HUGE = st.sampled_from(
    [2**63, -(2**63), 2**64, 10**400, -(10**400), 1e308, -1e308, 2.0**63, 5e-324]
)
ROW_NUMBERS = NUMBERS | HUGE | st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.integers(-5, 5) | st.integers(10**12, 10**12 + 10**6)
SCALARS = ROW_NUMBERS | TEXTS | st.booleans()
LISTS = st.lists(SCALARS | st.none(), max_size=4)
ANYTHING = SCALARS | LISTS | st.none()

_VALUES = {
    Type.NUMBER: ROW_NUMBERS,
    Type.DURATION: st.integers(-5, 10**9),
    Type.TIME: TIMES,
    Type.TEXT: TEXTS,
    Type.BOOLEAN: st.booleans(),
    Type.LIST: LISTS,
    Type.ANY: ANYTHING,
}
ROWS = st.tuples(*(st.none() | _VALUES[kind] for kind in NAMES.values())).map(list)
MIXED_ROWS = st.lists(ANYTHING, min_size=len(NAMES), max_size=len(NAMES))

_CONSTANTS = {
    Type.NUMBER: NUMBERS.map(lambda value: Number(value=value)),
    Type.DURATION: DURATIONS.map(lambda value: Duration(value=value)),
    Type.TEXT: TEXTS.map(lambda value: Text(value=value)),
    Type.BOOLEAN: st.booleans().map(lambda value: Boolean(value=value)),
}
_LEAF_TYPES = [Type.NUMBER, Type.TEXT, Type.BOOLEAN, Type.ANY]


@st.composite
def trees(draw: st.DrawFn, kind: Type = Type.BOOLEAN, depth: int = 3) -> Any:
    """A random tree of a type, as `parse` would give it."""
    draws = _COMPOUND.get(kind, []) if depth else []
    if not draws or draw(st.integers(0, 5)) == 0:
        return draw(_leaf(kind))
    return draw(draw(st.sampled_from(draws))(depth - 1))


def _leaf(kind: Type) -> st.SearchStrategy[Tree]:
    fitting = [name for name, found in NAMES.items() if found is kind]
    known = st.sampled_from(fitting).map(lambda name: Name(name=name))
    return known | _CONSTANTS[kind] if kind in _CONSTANTS else known


def _numeric(kind: Type, depth: int) -> st.SearchStrategy[Tree]:
    """A number; one of unknown type counts as well."""
    return (
        trees(kind, depth) | trees(Type.ANY, depth) if kind is Type.NUMBER else trees(kind, depth)
    )


def _text(depth: int) -> st.SearchStrategy[Tree]:
    return trees(Type.TEXT, depth) | trees(Type.ANY, depth)


def _negate(tree: Tree) -> Tree:
    if isinstance(tree, Number | Duration):
        return type(tree)(value=-tree.value)
    return Negate(operand=tree)


def _operation(signs: str, one: Type, other: Type) -> Any:
    def make(depth: int) -> st.SearchStrategy[Tree]:
        return st.builds(
            lambda sign, a, b: Arithmetic(operator=sign, left=a, right=b),
            st.sampled_from(signs),
            _numeric(one, depth),
            _numeric(other, depth),
        )

    return make


def _call(function: str, *arguments: Any) -> Any:
    def make(depth: int) -> st.SearchStrategy[Tree]:
        given = st.tuples(*(argument(depth) for argument in arguments))
        return given.map(lambda parts: Call(function=function, arguments=parts))

    return make


def _of(kind: Type) -> Any:
    return lambda depth: trees(kind, depth)


def _number(depth: int) -> st.SearchStrategy[Tree]:
    return _numeric(Type.NUMBER, depth)


@st.composite
def _comparison(draw: st.DrawFn, depth: int) -> Tree:
    kind = draw(st.sampled_from([*_LEAF_TYPES, Type.DURATION]))
    other = draw(st.sampled_from([kind, Type.ANY])) if kind is not Type.DURATION else kind
    if kind is Type.ANY:
        other = draw(st.sampled_from(_LEAF_TYPES))
    ordered = Type.BOOLEAN not in {kind, other}
    signs = ["==", "!=", "<", "<=", ">", ">="] if ordered else ["==", "!="]
    sides = [draw(trees(kind, depth)), draw(trees(other, depth))]
    return Compare(operator=draw(st.sampled_from(signs)), left=sides[0], right=sides[1])


@st.composite
def since_comparison(draw: st.DrawFn, depth: int) -> Tree:
    """A since() and a constant duration, either first."""
    since = Call(function="since", arguments=(draw(trees(Type.TIME, depth)),))
    limit: Tree = Duration(value=draw(DURATIONS))
    divisor = draw(st.sampled_from([0, 0, 0, 3, 4]))
    if divisor:
        limit = Arithmetic(operator="/", left=limit, right=Number(value=divisor))
    left, right = draw(st.permutations([since, limit]))
    sign = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    return Compare(operator=sign, left=left, right=right)


@st.composite
def _membership(draw: st.DrawFn, depth: int) -> Tree:
    kind = draw(st.sampled_from(_LEAF_TYPES))
    left = draw(trees(kind, depth))
    right = draw(_leaf(Type.LIST) | _leaf(Type.ANY).filter(lambda tree: isinstance(tree, Name)))
    if draw(st.booleans()):
        kinds = _LEAF_TYPES[:3] if kind is Type.ANY else [kind]
        items = st.lists(st.one_of(*(_CONSTANTS[k] for k in kinds)), min_size=1, max_size=3)
        right = ListOf(items=tuple(draw(items)))
    return In(negated=draw(st.booleans()), left=left, right=right)


def _joined(node: Any) -> Any:
    def make(depth: int) -> st.SearchStrategy[Tree]:
        parts = st.lists(trees(Type.BOOLEAN, depth) | trees(Type.ANY, 0), min_size=2, max_size=3)

        def join(given: list[Tree]) -> Tree:
            flat = [p for part in given for p in (part.parts if type(part) is node else [part])]
            return node(parts=tuple(flat))

        return parts.map(join)

    return make


def _missing(depth: int) -> st.SearchStrategy[Tree]:
    operand = st.sampled_from(list(Type)).flatmap(lambda kind: trees(kind, depth))
    return st.builds(lambda tree, flag: Missing(operand=tree, negated=flag), operand, st.booleans())


def _not(depth: int) -> st.SearchStrategy[Tree]:
    return trees(Type.BOOLEAN, depth).map(lambda tree: Not(operand=tree))


_COMPOUND: dict[Type, list[Any]] = {
    Type.NUMBER: [
        _operation("+-*/%", Type.NUMBER, Type.NUMBER),
        _operation("+-*/%", Type.NUMBER, Type.NUMBER),
        _operation("/", Type.DURATION, Type.DURATION),
        lambda depth: _number(depth).map(_negate),
        _call("min", _number, _of(Type.NUMBER)),
        _call("max", _of(Type.NUMBER), _number, _number),
        _call("abs", _number),
        _call("round", _number),
        _call("coalesce", _of(Type.NUMBER), _of(Type.NUMBER)),
        _call("length", _of(Type.LIST)),
        _call("length", _text),
    ],
    Type.DURATION: [
        _operation("+-", Type.DURATION, Type.DURATION),
        _operation("*/", Type.DURATION, Type.NUMBER),
        _operation("*", Type.NUMBER, Type.DURATION),
        lambda depth: trees(Type.DURATION, depth).map(_negate),
        _call("max", _of(Type.DURATION), _of(Type.DURATION)),
        _call("abs", _of(Type.DURATION)),
    ],
    Type.TIME: [_call("coalesce", _of(Type.TIME), _of(Type.TIME))],
    Type.TEXT: [_call("lower", _text), _call("coalesce", _of(Type.TEXT), _of(Type.TEXT))],
    Type.LIST: [_call("coalesce", _of(Type.LIST), _of(Type.LIST))],
    Type.ANY: [
        _call("coalesce", _of(Type.ANY), _of(Type.NUMBER)),
        _call("coalesce", _of(Type.TEXT), _of(Type.ANY)),
    ],
    Type.BOOLEAN: [
        _comparison,
        _comparison,
        since_comparison,
        _membership,
        _joined(And),
        _joined(Or),
        _missing,
        _not,
        _call("starts_with", _text, _text),
        _call("contains", _text, _text),
        _call("coalesce", _of(Type.BOOLEAN), _of(Type.BOOLEAN)),
    ],
}
