"""Makes of a template's tree, as Jinja2 reads it, one that can do no harm.

Only what is known to be harmless passes: everything else is a mistake, told with its place. What
passes is rewritten so that each step goes through ``template_values``: names are looked up with
their dots, comparisons and arithmetic cannot fail, and loops go over lists alone.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2 import nodes

from expressions.errors import ExpressionProblem
from expressions.mistakes import nearest
from expressions.template_places import TemplatePlaces
from expressions.template_values import (
    FILTERS,
    SHORT,
    TESTS,
    calculate,
    compare,
    is_plain_format,
    item_of,
    items_of,
    joined,
    negative,
    part_of,
    usage,
)
from expressions.tokens import MAX_DIGITS, holds_half_a_character
from expressions.tokens import shown as shortened
from expressions.tree import Name

MAX_LOOPS = 10
MAX_NESTED_LOOPS = 2
VALUES = "_values"
"""What the one variable is called in which a rewritten template looks up all names."""

OPERATIONS: Mapping[str, Callable[..., object]] = {
    "_calculate": lambda left, sign, right: calculate(sign, left, right),
    "_compare": compare,
    "_item": item_of,
    "_items": items_of,
    "_joined": joined,
    "_negative": negative,
    "_part": part_of,
}
"""Filters that stand in the place of operators; no template can name them."""

_LOOP_FIELDS = ("index", "index0", "revindex", "revindex0", "first", "last", "length")
_OPERATORS = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
}
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Pow: "there is no power operator; write x * x",
    nodes.Call: "a template calls no functions; filters stand behind a |: {{ name | upper }}",
    nodes.Assign: "a template keeps no values of its own: {% set %} is not possible",
    nodes.AssignBlock: "a template keeps no values of its own: {% set %} is not possible",
    nodes.Macro: "a template has no macros",
    nodes.CallBlock: "a template has no macros",
    nodes.Include: "a template stands alone: {% include %} is not possible",
    nodes.Import: "a template stands alone: {% import %} is not possible",
    nodes.FromImport: "a template stands alone: {% from %} is not possible",
    nodes.Extends: "a template stands alone: {% extends %} is not possible",
    nodes.Block: "a template stands alone: {% block %} is not possible",
    nodes.Dict: "there are no mappings in templates",
}
_OTHERWISE = "only {{ … }}, {% if … %} and {% for … in … %} are possible in a template"


class Rewriter:
    """Rewrites one tree from the top.

    Attributes:
        names: that are looked up, with their places, each as often as it stands there.
        loops: the names among them that loops go over.
        problems: what is wrong, in no order.
    """

    def __init__(self, text: str) -> None:
        self.names: list[Name] = []
        self.loops: set[str] = set()
        self.problems: list[ExpressionProblem] = []
        self._places = TemplatePlaces(text)
        self._of_loops: list[str] = []
        """The names of the items of the loops around."""
        self._loops = 0

    def statement(self, node: nodes.Node) -> nodes.Node:
        """Rewrite what stands between tags, and the tags with what is in them."""
        match node:
            case nodes.Output():
                node.nodes = [
                    each if isinstance(each, nodes.TemplateData) else self.value(each)
                    for each in node.nodes
                ]
            case nodes.If():
                node.test = self.value(node.test)
                node.body, node.else_ = self._all(node.body), self._all(node.else_)
                node.elif_ = [self.statement(each) for each in node.elif_]  # type: ignore[misc]
            case nodes.For():
                self._for(node)
            case _:
                self._refuse(node)
        return node

    def _all(self, statements: Sequence[nodes.Node]) -> list[nodes.Node]:
        return [self.statement(each) for each in statements]

    def _for(self, node: nodes.For) -> None:
        self._loops += 1
        if self._loops > MAX_LOOPS:
            self._wrong(f"a template has at most {MAX_LOOPS} loops", node)
        if len(self._of_loops) >= MAX_NESTED_LOOPS:
            self._wrong(f"loops are at most {MAX_NESTED_LOOPS} deep", node)
        target = node.target.name if isinstance(node.target, nodes.Name) else "_"
        if target == "loop" or target.startswith("_"):
            self._wrong("a loop gives each item one name: {% for item in cart_items %}", node)
            return
        if node.recursive:
            self._wrong("a loop cannot be recursive", node)
        name = _dotted(node.iter)
        if name and name.partition(".")[0] not in self._of_loops:
            self.loops.add(name)
        over = self.value(node.iter)
        node.else_ = self._all(node.else_)
        node.iter = _call("_items", over)
        self._of_loops.append(target)
        node.test = node.test and self.value(node.test)
        node.body = self._all(node.body)
        self._of_loops.pop()

    def value(self, node: nodes.Node) -> nodes.Expr:
        """Rewrite an expression."""
        assert isinstance(node, nodes.Expr), "statements hold expressions"
        match node:
            case nodes.Name() | nodes.Getattr():
                return self._name(node)
            case nodes.Getitem():
                return self._item(node)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Test():
                return self._test(node)
            case nodes.Compare():
                return self._compare(node)
            case _:
                return self._operation(node)

    def _operation(self, node: nodes.Expr) -> nodes.Expr:
        match node:
            case nodes.Const():
                self._check_constant(node)
            case nodes.Not():
                node.node = self.value(node.node)
            case nodes.And() | nodes.Or():
                node.left, node.right = self.value(node.left), self.value(node.right)
            case nodes.CondExpr():
                node.test, node.expr1 = self.value(node.test), self.value(node.expr1)
                node.expr2 = node.expr2 and self.value(node.expr2)
            case nodes.List() | nodes.Tuple():
                node.items = [self.value(each) for each in node.items]
            case nodes.Concat():
                first, *others = map(self.value, node.nodes)
                return _call("_joined", first, *others)
            case nodes.Neg():
                return _call("_negative", self.value(node.node))
            case nodes.BinExpr() if type(node) in _OPERATORS:
                sign = nodes.Const(_OPERATORS[type(node)])
                return _call("_calculate", self.value(node.left), sign, self.value(node.right))
            case _:
                self._refuse(node)
        return node

    def _name(self, node: nodes.Name | nodes.Getattr) -> nodes.Expr:
        name = _dotted(node)
        if name is None:
            self._wrong("only names have parts behind a dot", node)
            return node
        first, _, rest = name.partition(".")
        if first == "loop" and rest in _LOOP_FIELDS and self._of_loops:
            return node
        if first in self._of_loops:
            if rest:
                self._wrong(f"the items of a list are single values: {first} has no parts", node)
            return node
        start = self._places.of(name, node.lineno)
        self.names.append(Name(name=name, start=start, end=start + len(name)))
        return nodes.Getitem(nodes.Name(VALUES, "load"), nodes.Const(name), "load")

    def _check_constant(self, node: nodes.Const) -> None:
        value = node.value
        if isinstance(value, str) and not value.isascii() and holds_half_a_character(value):
            self._wrong("a text holds half of a character: \\\\ud800 to \\\\udfff are none", node)
        is_number = isinstance(value, int | float)
        if is_number and not (math.isfinite(value) and abs(value) < 10**MAX_DIGITS):
            self._wrong(f"a number has at most {MAX_DIGITS} digits", node)

    def _item(self, node: nodes.Getitem) -> nodes.Expr:
        value, at = self.value(node.node), node.arg
        if isinstance(at, nodes.Slice):
            ends = [each and _whole(each) for each in (at.start, at.stop)]
            plain = at.step is None and all(
                (each is None) == (end is None)
                for each, end in zip((at.start, at.stop), ends, strict=True)
            )
            if plain:
                return _call("_part", value, *map(nodes.Const, ends))
        elif _whole(at) is not None:
            return _call("_item", value, nodes.Const(_whole(at)))
        elif self._of_loops and _dotted(at) == "loop.index0":
            return _call("_item", value, self.value(at))
        what = "a whole number stands in [ ], or loop.index0 inside a loop"
        self._wrong(f"{what}; parts of a name stand behind a dot", node)
        return node

    def _filter(self, node: nodes.Filter) -> nodes.Expr:
        name = SHORT.get(node.name, node.name)
        if node.node is None:
            self._refuse(node)
            return node
        value = self.value(node.node)
        arguments = [self.value(each) for each in node.args]
        named = {str(each.key): self.value(each.value) for each in node.kwargs}
        if name not in FILTERS:
            self._unknown("filter", node.name, node, FILTERS)
            return node
        form = node.node.value if isinstance(node.node, nodes.Const) else None
        if name == "format" and not (isinstance(form, str) and is_plain_format(form)):
            self._wrong('write a form and one value: {{ "%.2f" | format(cart_value) }}', node)
        try:
            bound = inspect.signature(FILTERS[name]).bind(value, *arguments, **named)
        except TypeError:
            bound = None
        if bound is None or node.dyn_args or node.dyn_kwargs:
            self._wrong(f"this filter is written {usage(name)}", node)
            return node
        return _call(name, *bound.args)

    def _test(self, node: nodes.Test) -> nodes.Expr:
        node.node = self.value(node.node)
        if node.name not in TESTS:
            self._unknown("test", node.name, node, TESTS)
        elif node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            self._wrong(f"is {node.name} takes no values", node)
        return node

    def _compare(self, node: nodes.Compare) -> nodes.Expr:
        if len(node.ops) > 1:
            self._wrong("comparisons do not chain; join two of them with and", node)
        first = node.ops[0]
        left, right = self.value(node.expr), self.value(first.expr)
        return _call("_compare", left, nodes.Const(first.op), right)

    def _unknown(self, what: str, name: str, node: nodes.Node, valid: Iterable[str]) -> None:
        near = nearest(name, valid)
        known = "" if near else f"; there are {', '.join(valid)}"
        start = self._places.of(name, node.lineno)
        message = f"there is no {what} {shortened(name)}{known}"
        self.problems.append(ExpressionProblem(message, start, start + len(name), near))

    def _refuse(self, node: nodes.Node) -> None:
        self._wrong(_REFUSED.get(type(node), _OTHERWISE), node)

    def _wrong(self, message: str, node: nodes.Node) -> None:
        start = self._places.of_line(node.lineno)
        self.problems.append(ExpressionProblem(message, start, start))


def _dotted(node: nodes.Node) -> str | None:
    """Give a name with its parts; None for what is none."""
    parts: list[str] = []
    while isinstance(node, nodes.Getattr):
        parts.append(node.attr)
        node = node.node
    return ".".join([node.name, *reversed(parts)]) if isinstance(node, nodes.Name) else None


def _whole(node: nodes.Node) -> int | None:
    sign = -1 if isinstance(node, nodes.Neg) else 1
    inner = node.node if isinstance(node, nodes.Neg) else node
    value: Any = inner.value if isinstance(inner, nodes.Const) else None
    return sign * value if type(value) is int and value < 10**MAX_DIGITS else None


def _call(name: str, value: nodes.Expr, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)
