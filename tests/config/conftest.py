"""What the tests of this folder share: a config given as text."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from config import Config, ConfigError, load


@pytest.fixture
def load_text(tmp_path: Path) -> Callable[..., Config]:
    """Write a text to a file, and load it with an environment that is empty unless given."""

    def load_it(text: str, environment: Mapping[str, str] | None = None) -> Config:
        path = tmp_path / "shop.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return load(path, environment or {})

    return load_it


@pytest.fixture
def problems_of(load_text: Callable[..., Config]) -> Callable[..., list[tuple[int, int, str]]]:
    """Load a text that must be refused, and give (line, column, message) of each problem."""

    def problems(text: str, environment: Mapping[str, str] | None = None) -> list[tuple]:
        with pytest.raises(ConfigError) as caught:
            load_text(text, environment)
        return [(found.line, found.column, found.message) for found in caught.value.problems]

    return problems
