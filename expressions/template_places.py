"""Where in its text something of a template stands, of which Jinja2 knows the line alone."""

import re

_TAG = re.compile(r"\{[{%#].*?(?:[}%#]\}|\Z)", re.DOTALL)
_TAG_START = re.compile(r"\{[{%#]")
_NAME = re.compile(r"\w+(?:\s*\.\s*\w+)*")
_BLANK = re.compile(r"\s+")
_NEWLINE = re.compile(r"\r\n|\r|\n")


class TemplatePlaces:
    """Finds names in the tags of a template, each time the next one.

    Args:
        text: of the template.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        starts = [match.end() for match in _NEWLINE.finditer(text)]
        self._lines = [0, *starts, len(text)]
        self._names: dict[str, list[int]] = {}
        for tag in _TAG.finditer(text):
            for name in _NAME.finditer(text, *tag.span()):
                self._names.setdefault(_BLANK.sub("", name[0]), []).append(name.start())

    def of(self, name: str, line: int | None) -> int:
        """Give where a name stands that is met for the next time in a line, from 1."""
        starts = self._names.get(name, [])
        for number, start in enumerate(starts):
            if start >= self._line(line or 1):
                return starts.pop(number)
        return self.of_line(line)

    def of_line(self, line: int | None) -> int:
        """Give where the first tag of a line begins, else where the line does; from 1."""
        start = self._line(line or 1)
        found = _TAG_START.search(self._text, start, max(self._line((line or 1) + 1), start))
        return min(found.start() if found else start, max(len(self._text) - 1, 0))

    def _line(self, line: int) -> int:
        """Give where a line begins, from 1; behind the last one: the end."""
        return self._lines[min(line, len(self._lines)) - 1]
