"""In which order segments can be asked: each after those that its conditions name."""

from collections.abc import Iterator, Mapping, Sequence


def in_order(uses: Mapping[str, Sequence[str]]) -> list[str]:
    """Sort segments so that each comes after those that it uses, otherwise as they stand.

    Args:
        uses: for each segment those that it names; without cycles.
    """
    done: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in done:
            for other in uses[name]:
                add(other)
            done[name] = None

    for name in uses:
        add(name)
    return list(done)


def cycles(uses: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Find circles of segments that name one another, each once, from its first segment on."""
    finished: set[str] = set()
    for first in uses:
        path: list[str] = []
        todo: list[Iterator[str]] = [iter([first])]
        while todo:
            name = next(todo[-1], None)
            if name is None:
                todo.pop()
                if path:
                    finished.add(path.pop())
            elif name in path:
                yield [*path[path.index(name) :], name]
            elif name in uses and name not in finished:
                path.append(name)
                todo.append(iter(uses[name]))
