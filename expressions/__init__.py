"""The little language of conditions and values: small, total, and the same for everybody.

It stands alone: it knows names and their types, but not what they are names of. `parse` reads a
text, `check` finds every mistake, `compile_function` makes it fast.
"""

from expressions.check import Checked, check
from expressions.compile import compile_function, compile_value
from expressions.deadlines import NEVER, compile_deadline
from expressions.errors import ExpressionError, ExpressionProblem
from expressions.explain import Explained, explain
from expressions.fields import field_types
from expressions.parser import parse
from expressions.satisfiable import always_true, never_true
from expressions.scope import DictScope, Scope
from expressions.text import normalized
from expressions.tokens import KEYWORDS, holds_half_a_character
from expressions.tree import Tree, names
from expressions.value_types import Type

__all__ = [
    "KEYWORDS",
    "NEVER",
    "Checked",
    "DictScope",
    "Explained",
    "ExpressionError",
    "ExpressionProblem",
    "Scope",
    "Tree",
    "Type",
    "always_true",
    "check",
    "compile_deadline",
    "compile_function",
    "compile_value",
    "explain",
    "field_types",
    "holds_half_a_character",
    "names",
    "never_true",
    "normalized",
    "parse",
]
