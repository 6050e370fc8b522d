"""Turns records that are no Segment events into such events, as a mapping file says.

The same mappings as an import's, but a record is one JSON object and becomes one event.
"""

from pathlib import Path

import msgspec

from connectors.importing.errors import MappingError, RowError
from connectors.importing.mapping import ImportMapping, load_mapping, parse_mapping
from connectors.importing.mapping_text import Mistake
from connectors.importing.rows import json_object
from connectors.importing.translate import Translator

MAP = "map"
"""The stage of dead letters whose record could not be translated."""


class RecordMapping:
    """A mapping, ready for records.

    Args:
        text: of the mapping file.

    Raises:
        MappingError: it is wrong.
    """

    def __init__(self, text: str) -> None:
        mapping = parse_mapping(text, "the mapping")
        _check(mapping)
        self._translate = Translator(mapping)
        self._decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder()

    def event(self, value: bytes) -> bytes | None:
        """Return a record's value as an event, None where the mapping says that it is skipped.

        Raises:
            RowError: it cannot become an event.
        """
        values = json_object(self._decoder, value)
        if isinstance(values, RowError):
            raise values
        event = self._translate(values)
        return None if event is None else event[1].rstrip(b"\n")


def checked_text(path: Path) -> str:
    """Return the text of a mapping file for records.

    Raises:
        MappingError: it cannot be read, or is wrong; each mistake with file, line and column.
    """
    mapping = load_mapping(path)
    _check(mapping)
    assert mapping.source is not None, "it was read from a text"
    return mapping.source.text


def _check(mapping: ImportMapping) -> None:
    """Refuse what makes sense for files only."""
    assert mapping.source is not None, "it was read from a text"
    mistakes = []
    if mapping.format != "jsonl":
        place = mapping.source.locate(["format"]).value
        message = f"format: found {mapping.format}, expected jsonl (a record is one JSON object)"
        mistakes.append(Mistake(place, message))
    if mapping.each is not None:
        place = mapping.source.locate(["each"]).key
        mistakes.append(Mistake(place, "each: found the key, but a record becomes one event"))
    if mistakes:
        error: MappingError = mapping.source.error(mistakes)
        raise error
