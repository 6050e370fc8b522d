"""The mapping file: which columns of somebody's log mean what. Read with every error at its line.

``docs/import.md`` describes the keys for users; the built-in formats are mapping files as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic import field_validator as check_field
from pydantic import model_validator as check_model

from connectors.importing import mapping_text
from connectors.importing.errors import MappingError
from connectors.importing.mapping_text import MappingText
from connectors.importing.mistakes import Conflict, expected, fail, refuse
from connectors.importing.values import EPOCH_FORMATS
from connectors.importing.wording import quote, suggestion

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
            raise expected(
                f"one of {', '.join(EPOCH_FORMATS)}, rfc3339, "
                "or a strptime pattern such as %Y-%m-%d %H:%M:%S",
                suggestion(value, [*EPOCH_FORMATS, "rfc3339"]),
            )
        try:
            example = datetime(2019, 10, 1, tzinfo=UTC).strftime(value)
            read_back = datetime.strptime(example, value)  # noqa: DTZ007 (only the year counts)
        except ValueError as error:
            raise expected(f"a strptime pattern: {error}") from error
        if (read_back.year, read_back.month, read_back.day) != (2019, 10, 1):
            raise expected("a pattern that says the year, the month and the day")
        return value

    @check_field("zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as error:
            near = suggestion(value, available_timezones())
            raise expected("a time zone's name such as Europe/Berlin", near) from error
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
        refuse(self._conflicts())
        return self

    def _conflicts(self) -> Iterator[Conflict]:
        if self.always is not None:
            for key in ("column", "names", "others"):
                if key in self.model_fields_set:
                    yield (key,), "found the key beside always, expected always alone"
        elif self.column is None:
            yield (), "found neither column nor always, expected one of them"
        elif not self.names and self.others != "keep":
            message = "found no names, so no row would be imported; expected some, or others: keep"
            yield ("names",), message


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
    delimiter: str | None = None
    quotes: bool | None = None
    decimal: Literal[".", ","] = "."
    each: _Name | None = None
    missing: list[str] = []
    customer: _Name
    time: TimeColumn
    event: EventColumn
    properties: dict[_Name, Annotated[PropertyColumn, BeforeValidator(_column_alone)]] = {}
    constants: dict[_Name, Scalar] = {}

    _source: MappingText | None = PrivateAttr(None)

    def model_post_init(self, context: Any, /) -> None:
        """Keep the text that the mapping was read from."""
        self._source = context

    @check_field("delimiter")
    @classmethod
    def _delimiter_is_a_character(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or value in '"\r\n\0'):
            raise expected("one character such as ';' (a tab is \"\\t\", in double quotes)")
        return value

    @check_model(mode="after")
    def _keys_fit_the_format(self) -> Self:
        refuse(self._json_conflicts() if self.format == "jsonl" else self._table_conflicts())
        return self

    def _json_conflicts(self) -> Iterator[Conflict]:
        for key in ("header", "columns", "delimiter", "quotes"):
            if key in self.model_fields_set:
                message = "found the key beside format: jsonl, expected csv or tsv"
                yield (key,), f"{message} (JSON lines name their fields)"

    def _table_conflicts(self) -> Iterator[Conflict]:
        if self.each is not None:
            message = f"found the key beside format: {self.format}, expected jsonl"
            yield ("each",), f"{message} (a row of a table is one event)"
        if self.columns is None:
            if self.header is False:
                yield ("header",), "found false, expected columns beside it, to name them"
            return
        if self.header:
            yield ("header",), "found true beside columns, expected false, or no columns"
        for name in sorted({name for name in self.columns if self.columns.count(name) > 1}):
            yield ("columns",), f"found {quote(name)} more than once"
        for path, column in self.used_columns():
            if column not in self.columns:
                near = suggestion(column, self.columns)
                yield path, f"found {quote(column)}, expected one that columns lists{near}"

    @property
    def separator(self) -> str:
        """Return what stands between the cells of a table."""
        if self.delimiter is not None:
            return self.delimiter
        return "\t" if self.format == "tsv" else ","

    @property
    def source(self) -> MappingText | None:
        """Return the user's text that it was read from; None for a built-in mapping."""
        return self._source

    def used_columns(self) -> Iterator[tuple[mapping_text.Path, str]]:
        """Yield the columns that the mapping reads, each with the keys that lead to it."""
        yield ("customer",), self.customer
        yield ("time", "column"), self.time.column
        if self.event.column is not None:
            yield ("event", "column"), self.event.column
        for name, part in self.properties.items():
            yield ("properties", name, "column"), part.column


def built_in_mapping(name: str) -> ImportMapping:
    """Load one of the BUILT_IN formats."""
    assert name in BUILT_IN  # the command line offers no other
    text = resources.files("connectors").joinpath("mappings", f"{name}.yaml").read_text("utf-8")
    return ImportMapping.model_validate(MappingText(f"{name}.yaml", text).load())


def load_mapping(path: Path) -> ImportMapping:
    """Load a user's mapping file.

    Raises:
        MappingError: it cannot be read, or is wrong; all that is wrong is listed.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise MappingError(f"{path}:1:1: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise MappingError(f"{path}:{line}: found bytes that are not UTF-8; save it so") from error
    return parse_mapping(text, str(path))


def parse_mapping(text: str, name: str) -> ImportMapping:
    """Read and check a mapping's text; ``name`` is the file's, for messages."""
    source = MappingText(name, text)
    data = source.load()
    try:
        return ImportMapping.model_validate(data, context=source)
    except ValidationError as error:
        fail(error, source, _keys_at)


def _keys_at(path: mapping_text.Path) -> Iterable[str]:
    """Give the keys of the section at a path."""
    sections: Mapping[str | int, type[BaseModel]] = {
        "time": TimeColumn,
        "event": EventColumn,
        "properties": PropertyColumn,
    }
    return (sections[path[0]] if path else ImportMapping).model_fields
