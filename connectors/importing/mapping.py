"""The mapping file: which columns of somebody's log mean what. Read with every error at its line.

``docs/import.md`` describes the keys for users; the built-in formats are mapping files as well.
"""

import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic import field_validator as check_field
from pydantic import model_validator as check_model
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from connectors.importing.errors import MappingError
from connectors.importing.values import EPOCH_FORMATS, shown

BUILT_IN = ("otto", "rees46", "taobao")
"""The formats whose mapping files come with the package."""

Scalar = str | int | float | bool
_Name = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TimeColumn(_Part):
    """Where the event's time stands and how it is written."""

    column: _Name
    format: _Name
    zone: str = "UTC"

    @check_field("format")
    @classmethod
    def _format_is_known(cls, value: str) -> str:
        if value in EPOCH_FORMATS or value == "rfc3339":
            return value
        if "%" not in value:
            raise ValueError(
                f"expected one of {', '.join(EPOCH_FORMATS)}, rfc3339, "
                "or a strptime pattern such as %Y-%m-%d %H:%M:%S"
            )
        try:
            example = datetime(2019, 10, 1, tzinfo=UTC).strftime(value)
            read_back = datetime.strptime(example, value)  # noqa: DTZ007 (only the year counts)
        except ValueError as error:
            raise ValueError(f"not a strptime pattern: {error}") from error
        if (read_back.year, read_back.month, read_back.day) != (2019, 10, 1):
            raise ValueError("the pattern has to say the year, the month and the day")
        return value

    @check_field("zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError("expected a time zone's name such as Europe/Berlin") from error
        return value


def _texts_as_keys(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {
        str(key) if isinstance(key, int) and not isinstance(key, bool) else key: name
        for key, name in value.items()
    }


class EventColumn(_Part):
    """Where the event's name stands, and what its values mean; or the one name for all rows."""

    column: _Name | None = None
    names: Annotated[dict[str, _Name], BeforeValidator(_texts_as_keys)] = {}
    others: Literal["reject", "keep", "skip"] = "reject"
    always: _Name | None = None

    @check_model(mode="after")
    def _one_source(self) -> Self:
        if (self.column is None) == (self.always is None):
            raise ValueError("expected either column (with names) or always")
        if self.always is not None and self.model_fields_set != {"always"}:
            raise ValueError("always stands alone: names and others have no meaning beside it")
        if self.column is not None and not self.names and self.others != "keep":
            raise ValueError("names is empty, so no row would be imported; or set others: keep")
        return self


class PropertyColumn(_Part):
    """Where a property's value stands and what it is written as."""

    column: _Name
    type: Literal["string", "number"] = "string"


def _column_alone(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class ImportMapping(_Part):
    """A whole mapping file."""

    format: Literal["csv", "tsv", "jsonl"]
    header: bool | None = None
    columns: list[_Name] | None = None
    quotes: bool | None = None
    each: _Name | None = None
    missing: list[str] = []
    customer: _Name
    time: TimeColumn
    event: EventColumn
    properties: dict[_Name, Annotated[PropertyColumn, BeforeValidator(_column_alone)]] = {}
    constants: dict[_Name, Scalar] = {}

    @check_model(mode="after")
    def _keys_fit_the_format(self) -> Self:
        if self.format == "jsonl":
            for key in ("header", "columns", "quotes"):
                if key in self.model_fields_set:
                    raise ValueError(f"{key} is for csv and tsv; JSON lines name their fields")
            return self
        if self.each is not None:
            raise ValueError("each is for jsonl: a table has one event a line")
        if self.columns is None:
            if self.header is False:
                raise ValueError("without a header the columns have to be listed in columns")
            return self
        if self.header:
            raise ValueError("columns is for files without a header; set header: false or drop it")
        twice = {name for name in self.columns if self.columns.count(name) > 1}
        absent = self.used_columns() - set(self.columns)
        if twice or absent:
            what = "is given twice" if twice else "is used but not listed"
            raise ValueError(f"columns: {min(twice or absent)!r} {what}")
        return self

    def used_columns(self) -> set[str]:
        """Return the columns that the mapping reads."""
        used = {self.customer, self.time.column}
        used.update(part.column for part in self.properties.values())
        if self.event.column is not None:
            used.add(self.event.column)
        return used


def built_in_mapping(name: str) -> ImportMapping:
    """Load one of the BUILT_IN formats."""
    assert name in BUILT_IN  # the command line offers no other
    text = resources.files("connectors").joinpath("mappings", f"{name}.yaml").read_text("utf-8")
    return parse_mapping(text, f"{name}.yaml")


def load_mapping(path: Path) -> ImportMapping:
    """Load a user's mapping file.

    Raises:
        MappingError: it cannot be read, or is wrong; all that is wrong is listed.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise MappingError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    return parse_mapping(text, str(path))


def parse_mapping(text: str, name: str) -> ImportMapping:
    """Read and check a mapping's text; ``name`` is the file's, for messages."""
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}"
        raise MappingError(f"{name}{line}: not valid YAML: {error.problem}") from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise MappingError(f"{name}: not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise MappingError(f"{name}: found {shown(data)}, expected keys such as format: csv")
    try:
        return ImportMapping.model_validate(data)
    except ValidationError as error:
        with_lines = YAML(typ="rt", pure=True).load(text)  # the same keys, with their places
        lines = [_described(detail, with_lines, name) for detail in error.errors()]
        raise MappingError("\n".join(dict.fromkeys(lines))) from error


_KEYS: Sequence[tuple[tuple[str, ...], type[BaseModel]]] = (
    ((), ImportMapping),
    (("time",), TimeColumn),
    (("event",), EventColumn),
)


def _described(detail: ErrorDetails, data: CommentedMap, name: str) -> str:
    path = detail["loc"]
    key = ".".join(map(str, path))
    place = f"{name}:{_line(path, data)}"
    if detail["type"] == "extra_forbidden":
        parts = next((model for at, model in _KEYS if at == path[:-1]), PropertyColumn)
        return f"{place}: {key}: unknown key{_nearest(str(path[-1]), parts)}"
    if detail["type"] == "missing":
        return f"{place}: {key}: missing; the mapping has to say it"
    message = detail["msg"].removeprefix("Value error, ")
    if not key or isinstance(detail["input"], Mapping):
        return f"{place}: {key or 'mapping'}: {message}"
    return f"{place}: {key}: found {shown(detail['input'])}: {message}"


def _nearest(key: str, model: type[BaseModel]) -> str:
    known = list(model.model_fields)
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def _line(path: tuple[str | int, ...], data: CommentedMap) -> int:
    """Return the line of the deepest part of the path that the file has."""
    line, node = 1, data
    for key in path:
        if isinstance(node, CommentedMap) and key in node:
            line = node.lc.key(key)[0] + 1
        elif isinstance(node, CommentedSeq) and isinstance(key, int):
            line = node.lc.item(key)[0] + 1
        else:
            break
        node = node[key]
    return line
