"""What loading a config may fail with: every problem that was found, each with its place."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong with a config file.

    Attributes:
        file: the file as the user named it.
        line: from 1.
        column: in characters, from 1.
        message: what was found, what was expected and, where one is near, the valid name.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(Exception):
    """A config that nothing may start on.

    Attributes:
        problems: all of them, in the order of the file; at least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        assert self.problems, "a config without problems is no error"
        super().__init__("\n".join(str(problem) for problem in self.problems))
