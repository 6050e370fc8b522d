"""What the tests of this folder share: the environment of a command in a page."""

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a command in a page: the project's own commands come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
