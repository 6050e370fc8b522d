"""Environment variables in the texts of a config: ``${NAME}`` and ``${NAME:-default}``.

As in a shell, the default also stands in for a variable that is set but empty. ``$${`` writes
``${`` itself. Substitution happens after the YAML is read, so a variable can only ever become the
text of one value, never more of the file.
"""

import re
from collections.abc import Mapping

MAX_CHARACTERS = 65_536
"""Of one text after substitution: a few short references must not become gigabytes."""

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


class Substituted(str):
    """A text that came, in part at least, from the environment.

    Number and yes-or-no fields read such a text as if it had stood in the file without quotes, and
    messages do not show it: it may be a secret.
    """

    __slots__ = ()


def substitute(text: str, environment: Mapping[str, str]) -> tuple[str, list[str]]:
    """Put the environment's values in place of the references.

    Returns:
        The text (``Substituted`` if there was a reference) and what is wrong, one message each; a
        reference that is wrong stays as it is.
    """
    if "${" not in text:
        return text, []
    pieces: list[str] = []
    wrong: list[str] = []
    characters = 0
    referred = False
    end = 0
    for match in _REFERENCE.finditer(text):
        if match.group() == "$${":
            value = "${"
        else:
            referred = True
            value, message = _value(match, environment)
            if message:
                wrong.append(message)
        pieces += [text[end : match.start()], value]
        characters += len(pieces[-1]) + len(pieces[-2])
        end = match.end()
        if characters > MAX_CHARACTERS:
            wrong.append(f"the text is longer than {MAX_CHARACTERS} characters after substitution")
            return text, wrong
    pieces.append(text[end:])
    result = "".join(pieces)
    return (Substituted(result) if referred else result), wrong


def _value(match: re.Match[str], environment: Mapping[str, str]) -> tuple[str, str | None]:
    if not match["end"]:
        return match.group(), "a ${ has no closing }; write $${ for the two characters themselves"
    inside = _INSIDE.fullmatch(match["inside"])
    if inside is None:
        return match.group(), "expected ${NAME} or ${NAME:-default} with a variable's name"
    name, default = inside["name"], inside["default"]
    value = environment.get(name)
    if default is not None:
        return value or default, None
    if value is None:
        return match.group(), (
            f"the environment variable {name} is not set;"
            f" set it or give a default: ${{{name}:-default}}"
        )
    return value, None
