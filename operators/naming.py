"""Finds whom lines of input name, where anonymous ids are linked to customers (J1, J2).

Either of all lines of a block together, whose heads are decoded into structs made for the paths of
the config; or of one line after the other, which also says why a line names nobody. The first gives
nothing where a line needs a closer look.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np

from operators.customer_paths import LoosePath
from operators.head_types import NAME_CHARACTERS, Head, LooseHead, Name, json_type
from operators.identity_plan import CustomerPath, IdentityPlan, Names, Naming
from operators.rejections import RejectedError, Rejection

IDENTIFY, ALIAS = "identify", "alias"
"""The types of events that link; no others do."""

_USER_ID = ("userId",)
_NULL = msgspec.Raw(b"null")


class _NamingHead(Head, frozen=True, gc=False):
    type: str | None = None
    previousId: Name | None = None  # noqa: N815 (the Segment spec's names)


class LooseNamingHead(LooseHead, gc=False):
    """Of any line that is an object; what stands deeper is decoded when it is wanted."""

    type: Any = None
    previousId: Any = None  # noqa: N815
    context: msgspec.Raw = _NULL
    traits: msgspec.Raw = _NULL
    properties: msgspec.Raw = _NULL


class _ExternalId(msgspec.Struct, gc=False):
    id: Name | None = None
    type: str | None = None


class Named(NamedTuple):
    """Whom a line names: as in Names, and its customer."""

    customer: str
    naming: Naming
    anonymous: str


class NamesReader:
    """Finds whom lines name.

    Attributes:
        heads: decodes the heads of many lines.
        loose_heads: decodes that of any line.

    Args:
        plan: where events name their customers, and which values name nobody.
    """

    def __init__(self, plan: IdentityPlan) -> None:
        head = _struct("NamingHead", plan.customer, 0)
        self.heads: msgspec.json.Decoder[Any] = msgspec.json.Decoder(head)
        self.loose_heads = msgspec.json.Decoder(LooseNamingHead)
        self._blocked = plan.blocked
        self._gets = [_getter(path) for path in plan.customer]
        self._is_by_user_id = [path.path for path in plan.customer] == [_USER_ID]
        self._paths = [LoosePath(path) for path in plan.customer]

    def at_once(self, heads: Sequence[Any]) -> tuple[list[str], Names] | None:
        """Return the customers of lines and whom they name; None where one needs a closer look.

        Args:
            heads: of the lines.
        """
        blocked = self._blocked
        if self._is_by_user_id:
            customers = [head.userId for head in heads]
        else:
            customers = [self._customer(head) for head in heads]
        naming = np.zeros(len(heads), np.int8)
        anonymous = [""] * len(heads)
        for index, head in enumerate(heads):
            customer = customers[index]
            if not customer or customer in blocked:
                named = head.anonymousId
                if not named or named in blocked:
                    return None
                customers[index] = anonymous[index] = named
                naming[index] = Naming.ANONYMOUS
            elif head.type == IDENTIFY or head.type == ALIAS:  # noqa: PLR1714 (quicker than a set)
                linked = head.anonymousId if head.type == IDENTIFY else head.previousId
                if linked and linked != customer and linked not in blocked:
                    anonymous[index] = linked
                    naming[index] = Naming.LINKING
        return customers, Names(naming, anonymous)

    def of_line(self, head: LooseNamingHead) -> Named:
        """Return whom a line names.

        Raises:
            RejectedError: nobody, or in a way that cannot be read.
        """
        found: list[tuple[str, object]] = []
        for path in self._paths:
            # from here, since how deep a decoder may go depends on the frames above it, and a line
            # must not fare differently than in a block
            value = path.value(head)
            found.append((path.field, value))
            if isinstance(value, str) and value and value not in self._blocked:
                return self._of_customer(_checked(value, path.field), head)
        anonymous = head.anonymousId
        found.append(("anonymousId", anonymous))
        if not isinstance(anonymous, str) or not anonymous or anonymous in self._blocked:
            raise RejectedError(self._nobody(found))
        return Named(_checked(anonymous, "anonymousId"), Naming.ANONYMOUS, anonymous)

    def _customer(self, head: Any) -> str:
        """Return the first customer that is there and not blocked, empty without one."""
        for get in self._gets:
            value = get(head)
            if value and value not in self._blocked:
                return value
        return ""

    def _of_customer(self, customer: str, head: LooseNamingHead) -> Named:
        linked = self._linked(head)
        if not linked or linked == customer:
            return Named(customer, Naming.CUSTOMER, "")
        return Named(customer, Naming.LINKING, linked)

    def _linked(self, head: LooseNamingHead) -> str:
        """Return the anonymous id that an event links, empty where it links none.

        Raises:
            RejectedError: there is one that cannot be read; were it passed over, its past would
                be lost.
        """
        if head.type == IDENTIFY:
            field, value = "anonymousId", head.anonymousId
        elif head.type == ALIAS:
            field, value = "previousId", head.previousId
        else:
            return ""
        if value is None:
            return ""
        if not isinstance(value, str):
            raise RejectedError(_wrong_type(value, field))
        return "" if value in self._blocked else _checked(value, field)

    def _nobody(self, found: Sequence[tuple[str, object]]) -> Rejection:
        """Say why a line names nobody: the first wrong type, else that nothing is there."""
        for field, value in found:
            if isinstance(value, Rejection):
                return value
            if value is not None and not isinstance(value, str):
                return _wrong_type(value, field)
        *fields, last = (field for field, _ in found)
        is_blocked = any(value in self._blocked for _, value in found if value)
        what = "missing, empty or blocked" if is_blocked else "missing or empty"
        reason = f"no customer: {', '.join(fields)} and {last} are {what}"
        return Rejection("route", reason, fields[0])


def _checked(value: str, field: str) -> str:
    if len(value) > NAME_CHARACTERS:
        reason = f"longer than {NAME_CHARACTERS} characters"
        raise RejectedError(Rejection("route", reason, field))
    return value


def _wrong_type(value: object, field: str) -> Rejection:
    return Rejection("route", f"expected a string, got {json_type(value)}", field)


def _struct(name: str, paths: Sequence[CustomerPath], depth: int) -> type[msgspec.Struct]:
    """Build the type whose fields are the parts of the paths at a depth."""
    members: dict[str, list[CustomerPath]] = {}
    for path in paths:
        members.setdefault(path.path[depth], []).append(path)
    types: list[tuple[str, Any, Any]] = []
    for part, inner in members.items():
        is_leaf = len(inner[0].path) == depth + 1
        if not is_leaf:
            within = _struct("Part", inner, depth + 1)
            types.append((_attribute(part), within | None, within()))
        elif inner[0].type:
            types.append((_attribute(part), list[_ExternalId] | None, None))
        elif depth:
            types.append((_attribute(part), Name | None, None))
    names = {_attribute(part): part for part in members}
    base = None if depth else (_NamingHead,)
    return msgspec.defstruct(name, types, bases=base, rename=names, frozen=True, gc=False)


def _attribute(part: str) -> str:
    """Name an attribute after any JSON name."""
    return "f" + part.encode().hex()


def _getter(path: CustomerPath) -> Callable[[Any], str | None]:
    """Make a function that gets a customer from a head of ``_struct``."""
    if path.path == _USER_ID:
        return attrgetter("userId")
    value = attrgetter(".".join(map(_attribute, path.path)))

    def get(head: Any) -> Any:
        try:
            return value(head)
        except AttributeError:
            return None  # null on the way; what is missing has an empty object's attributes

    if not path.type:
        return get

    def get_external(head: Any) -> str | None:
        entries: Sequence[_ExternalId] = get(head) or ()
        for entry in entries:
            if entry.type == path.type:
                return entry.id
        return None

    return get_external
