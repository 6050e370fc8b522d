"""Templates: texts in which ``{{ … }}`` stands for values, in the language of Jinja2.

A template can do nothing but write values: there are no functions and nothing is kept, loops go
over lists alone, and what comes out is bounded in length and in the time that it takes. Mistakes
are found by `mistakes_in` and `problems`; a template without them never fails.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Template

from expressions.check import check
from expressions.errors import ExpressionError, ExpressionProblem
from expressions.scope import Scope
from expressions.template_reading import ENVIRONMENT, MAX_CHARACTERS, ReadTemplate, read
from expressions.template_tree import VALUES
from expressions.value_types import Type

__all__ = [
    "MAX_CHARACTERS",
    "compile_template",
    "mistakes_in",
    "names_in",
    "names_with_places",
    "problems",
]

MAX_RESULT = 10_000
"""Of what a template gives, in characters; what is longer ends with an ellipsis."""

_LISTS = frozenset({Type.LIST, Type.ANY})


@lru_cache(maxsize=1_000)
def _read(text: str) -> ReadTemplate:
    return read(text)


def mistakes_in(text: str) -> list[ExpressionProblem]:
    """Give what is wrong with a template whatever its names stand for, in order of place."""
    return list(_read(text).problems)


def names_in(text: str) -> list[str]:
    """Give each name that a template looks up once, with its dots: ``event.properties.name``."""
    return list(dict.fromkeys(each.name for each in _read(text).names))


def names_with_places(text: str) -> dict[int, str]:
    """Give each name that a template looks up by the offset at which it stands."""
    return {each.start: each.name for each in _read(text).names}


def problems(text: str, scope: Scope) -> list[ExpressionProblem]:
    """Give everything that is wrong with a template, in order of place.

    Args:
        text: of the template.
        scope: the names that it may look up.
    """
    found = _read(text)
    wrong = [*found.problems]
    for name in found.names:
        checked = check(name, scope)
        wrong += checked.problems
        if name.name in found.loops and checked.type not in _LISTS:
            message = f"{name.name} is {checked.type.phrase}, and a loop goes over a list"
            wrong.append(ExpressionProblem(message, name.start, name.end))
    return sorted(dict.fromkeys(wrong), key=lambda problem: problem.start)


def compile_template(text: str) -> Callable[[Mapping[str, Any]], str]:
    """Make a function that writes a template.

    Args:
        text: of the template.

    Returns:
        A function of the values by their names with dots, as `names_in` gives them; what is None or
        not there is missing, which is the empty text. It never fails. Its result has at most 10,000
        characters; a longer one is cut and ends with ``…``.

    Raises:
        ExpressionError: the template has a mistake.
    """
    found = _read(text)
    if found.tree is None:
        raise ExpressionError(found.problems)
    code = ENVIRONMENT.compile(found.tree)
    template = Template.from_code(ENVIRONMENT, code, {})

    def write(values: Mapping[str, Any]) -> str:
        context = template.new_context({VALUES: values})
        pieces: list[str] = []
        length = 0
        for piece in template.root_render_func(context):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_RESULT:
                return "".join(pieces)[: MAX_RESULT - 1] + "…"
        return "".join(pieces)

    return write
