"""Reads a template with Jinja2's parser: gives a tree that can do no harm, or what is wrong."""

from typing import NamedTuple

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from expressions.errors import ExpressionProblem
from expressions.template_places import TemplatePlaces
from expressions.template_tree import OPERATIONS, Rewriter
from expressions.template_values import FILTERS, TESTS, shown
from expressions.tokens import shown as shortened
from expressions.tree import Name

MAX_CHARACTERS = 10_000
MAX_DEPTH = 24
_LONG = 200
_UNCLOSED = ("unexpected '}'", "unexpected '%'", "expected token 'end of print statement', got '}'")
"""What Jinja2 says where a bracket is missing."""


class ReadTemplate(NamedTuple):
    """A template that was read.

    Attributes:
        tree: rewritten; None where something is wrong.
        names: that it looks up, with their places, each as often as it stands there.
        loops: the names among them that it goes over.
        problems: what is wrong, apart from what the names stand for.
    """

    tree: nodes.Template | None
    names: tuple[Name, ...] = ()
    loops: frozenset[str] = frozenset()
    problems: tuple[ExpressionProblem, ...] = ()


def make_environment() -> ImmutableSandboxedEnvironment:
    """Make what Jinja2 needs: nothing but the filters and tests of ``template_values``."""
    environment = ImmutableSandboxedEnvironment(
        loader=None,
        autoescape=False,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
    )
    environment.globals.clear()
    environment.filters = {**FILTERS, **OPERATIONS}
    environment.tests = dict(TESTS)
    return environment


ENVIRONMENT = make_environment()


def read(text: str) -> ReadTemplate:
    """Read a template.

    Args:
        text: at most 10,000 characters.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"a template has at most {MAX_CHARACTERS:,} characters, this one {len(text):,}"
        return _wrong(ExpressionProblem(message, 0, 0))
    try:
        tree = ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        start = TemplatePlaces(text).of_line(error.lineno)
        return _wrong(ExpressionProblem(f"no template: {_told(error)}", start, start))
    except RecursionError:
        return _wrong(_TOO_DEEP)
    except ValueError:  # Python reads no number of thousands of digits
        return _wrong(ExpressionProblem("a number in the template is too long", 0, 0))
    if _is_too_deep(tree):
        return _wrong(_TOO_DEEP)
    reader = Rewriter(text)
    tree.body = [reader.statement(each) for each in tree.body]
    tree.set_environment(ENVIRONMENT)
    problems = tuple(sorted(reader.problems, key=lambda problem: problem.start))
    names, loops = tuple(reader.names), frozenset(reader.loops)
    return ReadTemplate(None if problems else tree, names, loops, problems)


_TOO_DEEP = ExpressionProblem(f"the template is nested more than {MAX_DEPTH} levels deep", 0, 0)


def _wrong(problem: ExpressionProblem) -> ReadTemplate:
    return ReadTemplate(None, problems=(problem,))


def _is_too_deep(tree: nodes.Node) -> bool:
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return False
    return True


def _told(error: TemplateSyntaxError) -> str:
    message = (error.message or "it cannot be read").rstrip(".").replace("\n", " ")
    if message in _UNCLOSED:
        message += " (a value stands between {{ and }}, a condition between {% and %})"
    return message if len(message) <= _LONG else shortened(message)
