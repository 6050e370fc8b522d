"""Takes out of events, as bytes, what nobody is to see; all else stays byte for byte.

What cannot be read, so that nobody knows where the fields are, is withheld as a whole.
"""

import hashlib
import re
from collections.abc import Callable

import msgspec

from operators.field_tree import Branch, Leaf, Rewrite, field_tree
from operators.json_bytes import UnreadableError, skip_space, string_at, value_end
from operators.lines import Envelope, Lines
from operators.masks import masked
from operators.privacy_plan import ALL, PrivacyPlan
from operators.rejections import Rejection

_OBJECT, _LIST, _QUOTE = b"{", b"[", b'"'
_NULL, _EMPTY = b"null", b'""'
_LISTS_MOST = 100
"""How deep lists may lie in lists on the way to a field."""

_SCALAR = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)
"""A string or a number; names are strings too."""

_WITHHELD = Envelope(None, is_line=False)
UNREADABLE = "not readable as JSON where the config's privacy has to look"


class Minimizer:
    """Rewrites lines by a plan.

    Args:
        plan: which fields are dropped, hashed and masked.
        field_hash: gives what stands in the place of a text that is hashed.
        whole_hash: gives a keyed hash of the SHA-256, in hex, of a line that is withheld.
    """

    def __init__(
        self,
        plan: PrivacyPlan,
        field_hash: Callable[[str], str],
        whole_hash: Callable[[str], str],
    ) -> None:
        self._field_hash = field_hash
        self._whole_hash = whole_hash
        rewrites: dict[str, Rewrite | None] = {
            "drop": None,
            "hash": self._hashed,
            "mask": _masked,
        }
        self._tree = field_tree(plan, rewrites)
        paths = [*plan.drop, *plan.hash, *plan.mask]
        names = {path[-2] if path[-1] == ALL else path[-1] for path in paths}
        # a name is written as it is, or with a backslash somewhere
        written = [_QUOTE + re.escape(name.encode()) + _QUOTE for name in sorted(names)]
        self._may_hold = re.compile(b"|".join([rb"\\", *written])).search

    def line(self, line: bytes) -> bytes:
        """Return an event without what nobody is to see.

        Raises:
            UnreadableError: it is no event.
        """
        if not self._may_hold(line):
            return line
        start = skip_space(line, 0)
        if line[start : start + 1] != _OBJECT:
            raise UnreadableError
        rewriting = _Rewriting(line)
        rewriting.in_object(start, self._tree)
        return rewriting.result()

    def withhold(self, lines: Lines, came: list[bytes]) -> None:
        """Keep nothing of lines that could not be read but their length and a keyed hash.

        Args:
            lines: as they were read; changed in place.
            came: each as it came, or its beginning.
        """
        for index, rejection in lines.rejected.items():
            if not rejection.field:  # else it was read, and is without the fields
                lines.rejected[index] = self.withheld(rejection, came[index])
                lines.raw[index] = b""
                lines.envelopes[index] = _WITHHELD

    def withheld(self, rejection: Rejection, came: bytes) -> Rejection:
        """Say of what was rejected how long it was, and by a keyed hash which it was."""
        sha256 = rejection.sha256 or hashlib.sha256(came).hexdigest()
        length = len(came) if rejection.length is None else rejection.length
        return rejection._replace(length=length, sha256=self._whole_hash(sha256))

    def hashed(self, text: str) -> str:
        """Return what stands in the place of a text where that is hashed."""
        return self._field_hash(text)

    def _hashed(self, value: bytes) -> bytes:
        if value in {_NULL, _EMPTY}:
            return value  # missing, as before
        is_text = value[:1] == _QUOTE
        text = string_at(value, 0, len(value)) if is_text else _decoded(value)
        return msgspec.json.encode(self._field_hash(text))


class _Rewriting:
    """A line on its way: what was decided of it up to some place."""

    def __init__(self, line: bytes) -> None:
        self._line = line
        self._parts: list[bytes] = []
        self._done = 0

    def put(self, start: int, end: int, text: bytes) -> None:
        """Put something in the place of what stands there; from left to right."""
        self._parts += [self._line[self._done : start], text]
        self._done = end

    def result(self) -> bytes:
        """Return the whole."""
        return b"".join([*self._parts, self._line[self._done :]])

    def in_object(self, at: int, branch: Branch) -> int:
        """Go through the members of an object; return where it ends.

        Of the commas the one before a dropped member goes, unless all before it were dropped too.
        """
        line, begin, is_first = self._line, at + 1, True
        at = skip_space(line, begin)
        while line[at : at + 1] != b"}":
            passed = branch.passes_over.match(line, begin)
            if passed and passed.end() > begin:
                begin, is_first = passed.end(), False
                at = skip_space(line, begin)
                continue
            below, at = self._member(at, branch)
            mark = line[at : at + 1]
            if mark not in {b",", b"}"}:
                raise UnreadableError
            if isinstance(below, Leaf) and below.rewrite is None:
                if is_first:
                    self.put(begin, at + (mark == b","), b"")
                else:
                    self.put(begin - 1, at, b"")
            else:
                is_first = False
            if mark == b",":
                begin = at + 1
                at = skip_space(line, begin)
        return at + 1

    def _member(self, at: int, branch: Branch) -> tuple[Branch | Leaf | None, int]:
        """Do with a member what is to be done; return what it is, and where the next token is."""
        line = self._line
        if line[at : at + 1] != _QUOTE:
            raise UnreadableError
        name_end = value_end(line, at)
        below = branch.get(string_at(line, at, name_end))
        at = skip_space(line, name_end)
        if line[at : at + 1] != b":":
            raise UnreadableError
        return below, self._at_value(skip_space(line, at + 1), below)

    def _at_value(self, at: int, below: Branch | Leaf | None) -> int:
        """Do with a value what is to be done; return where the next token begins."""
        if below is None or (isinstance(below, Leaf) and below.rewrite is None):
            return skip_space(self._line, value_end(self._line, at))
        return skip_space(self._line, self._through(at, below, 0))

    def _through(self, at: int, below: Branch | Leaf, depth: int) -> int:
        """Go through a value, each item of a list for itself; return where it ends."""
        first = self._line[at : at + 1]
        if first == _LIST:
            return self._in_list(at, below, depth + 1)
        if isinstance(below, Branch):
            is_object = first == _OBJECT
            return self.in_object(at, below) if is_object else value_end(self._line, at)
        end = value_end(self._line, at)
        assert below.rewrite is not None, "what is dropped is not looked into"
        self.put(at, end, below.rewrite(self._line[at:end]))
        return end

    def _in_list(self, at: int, below: Branch | Leaf, depth: int) -> int:
        if depth > _LISTS_MOST:
            raise UnreadableError
        line = self._line
        at = skip_space(line, at + 1)
        if line[at : at + 1] == b"]":
            return at + 1
        while True:
            at = skip_space(line, self._through(at, below, depth))
            mark = line[at : at + 1]
            if mark == b"]":
                return at + 1
            if mark != b",":
                raise UnreadableError
            at = skip_space(line, at + 1)


def _masked(value: bytes) -> bytes:
    """Mask all strings and numbers in a value, the names in objects too."""
    return _SCALAR.sub(_mask, value)


def _mask(found: re.Match[bytes]) -> bytes:
    written = found[0]
    is_text = written[:1] == _QUOTE
    text = string_at(written, 0, len(written)) if is_text else _decoded(written)
    left = masked(text)
    return written if left == text else msgspec.json.encode(left)


def _decoded(written: bytes) -> str:
    try:
        return written.decode()
    except UnicodeDecodeError:
        raise UnreadableError from None
