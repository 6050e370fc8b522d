"""From a file to a ``Config``, or to everything that is wrong with it."""

import codecs
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from config.checks import check_all
from config.errors import ConfigError, Problem
from config.explain import findings_of, locate
from config.models import Config
from config.plain import KEY
from config.tree import Fields, Finding, Place, UnreadableError, describe, read_tree, to_plain
from config.wording import dotted

MAX_FILE_BYTES = 1_048_576

_START = Place(1, 1)


def load(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a config file.

    Args:
        path: the file.
        environment: what ``${NAME}`` refers to; None for the process's own.

    Raises:
        ConfigError: with every problem of the file.
    """
    try:
        tree, findings = read_tree(_read(path), os.environ if environment is None else environment)
    except UnreadableError as error:
        raise _error(path, error.findings) from None
    if not isinstance(tree, Fields):
        found = "an empty file" if tree is None else describe(tree)
        finding = (_START if tree is None else tree.place, f"found {found}, expected a mapping")
        raise _error(path, [*findings, finding])
    plain = to_plain(tree)
    config = None
    try:
        config = Config.model_validate(plain)
    except ValidationError as error:
        findings += findings_of(error, tree)
    for where, message in check_all(plain):
        spot = locate(tree, where)
        if not spot.broken:
            place = spot.key_place if where[-1] == KEY else spot.place
            findings.append((place, f"{dotted(spot.path)}: {message}"))
    if config is None or findings:
        raise _error(path, findings)
    return config


def _error(path: Path, findings: Iterable[Finding]) -> ConfigError:
    return ConfigError(
        Problem(str(path), place.line, place.column, message)
        for place, message in sorted(dict.fromkeys(findings))
    )


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UnreadableError([(_START, f"cannot read the file: {reason}")]) from None
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(
            [(_START, f"found a file of more than {MAX_FILE_BYTES} bytes, expected a config")]
        )
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        place = Place(before.count(b"\n") + 1, column)
        found = f"found the byte 0x{content[error.start]:02x}"
        raise UnreadableError([(place, f"{found}, expected text in UTF-8")]) from None
