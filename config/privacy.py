"""What ``privacy:`` may say: what nobody is to see of events, and who may have somebody forgotten.

Rules over several keys are in ``privacy_checks``.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from config.section import Section
from config.values import FieldPath, Yes, expected

MOST_PATHS = 1_000


def _paths(value: object) -> object:
    if not isinstance(value, list):
        raise expected("a list of paths")
    return value


FieldPaths = Annotated[
    tuple[FieldPath, ...],
    Field(max_length=MOST_PATHS),
    BeforeValidator(_paths, json_schema_input_type=list[FieldPath]),
]


class Privacy(Section):
    """How customers' data is treated, beside what they have agreed to.

    What becomes of fields does so before anything else sees them.
    """

    drop: FieldPaths = ()
    """Taken out of events."""
    hash: FieldPaths = ()
    """Replaced by a hash with the state's key."""
    mask: FieldPaths = ()
    """Mail addresses, numbers of phones and cards and network addresses in them are replaced."""
    forget_events: Yes = False
    """Whether an event of the type ``cartwheel.forget`` lets its customer be forgotten."""
