"""What the message of a trigger holds: values by name, each an expression or a template."""

from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Tag
from pydantic_core import PydanticCustomError

from config.environment import Substituted
from config.forms import TEXT
from config.section import Section
from config.values import expected, read_by
from config.written import Value
from expressions.templates import MAX_CHARACTERS, mistakes_in

_TREE, _TEMPLATE = "<expression>", "<template>"
"""Tags of the two ways of writing; in <> so that none is taken for a key."""


def _text(value: object) -> str:
    what = f"a text of 1 to {MAX_CHARACTERS:,} characters, such as 'Hi {{{{ trait.first_name }}}}'"
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CHARACTERS:
        raise expected(what)
    wrong = mistakes_in(value)
    if wrong and isinstance(value, Substituted):
        raise expected("a template that can be read")
    if wrong:
        first = wrong[0]
        context = {"problem": first.message, "near": first.near, "offset": first.start}
        raise PydanticCustomError("expression", "{problem}", context)
    return str(value)


class Template(Section):
    """A text in which ``{{ … }}`` stands for values of the customer and of the event."""

    template: Annotated[str, read_by(_text, TEXT)]
    """In the language of Jinja2, without functions, macros and includes."""


def _form(value: object) -> str:
    return _TEMPLATE if isinstance(value, dict | Template) else _TREE


def _known(value: object) -> object:
    if value is None or isinstance(value, list):
        raise expected("an expression such as cart_value, or a mapping with template")
    return value


PayloadValue = Annotated[
    Annotated[Value, Tag(_TREE)] | Annotated[Template, Tag(_TEMPLATE)],
    Discriminator(_form),
    BeforeValidator(_known),
]
