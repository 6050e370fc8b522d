"""Whether a run does its work, and if not, why: what ``/ready`` answers."""

from collections.abc import Iterator

import msgspec

from cartwheel.observed import SeenReader, View

SILENT_S = 5.0
"""After how long without a report a worker counts as stuck, where epochs are short."""

STUCK_S = 10.0
"""How long a watermark may stand still while records wait."""

_SILENT_EPOCHS = 3


class Health(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        ready: whether the run does its work.
        problems: why not, each a sentence.
    """

    ready: bool
    problems: list[str]


def health(view: View, *, readers: int, epoch_ms: int) -> Health:
    """Judge a run.

    Args:
        view: what is known of it.
        readers: how many it has.
        epoch_ms: how often it commits; a worker may be silent for a few epochs.
    """
    silent_s = max(SILENT_S, _SILENT_EPOCHS * epoch_ms / 1000)
    problems = list(_problems(view, readers, silent_s))
    return Health(not problems, problems)


def _problems(view: View, readers: int, silent_s: float) -> Iterator[str]:
    if not view.workers:
        yield "recovering: no workers run"
        return
    for number in range(readers):
        reader = view.readers.get(number)
        if reader is None:
            yield f"recovering: reader {number} has not reported yet"
        else:
            yield from _of_reader(reader, view.now, silent_s)
    if view.sink is None:
        yield "recovering: the sink has not reported yet"
        return
    if not view.sink.report.reachable:
        yield "the sink's broker cannot be reached"
    silent = view.now - view.sink.heard_at
    if silent > silent_s and not _all_ended(view, readers):
        yield f"the sink has been silent for {silent:.0f} s"


def _of_reader(reader: SeenReader, now: float, silent_s: float) -> Iterator[str]:
    report = reader.report
    if report.ended:
        return
    name = f"reader {report.reader}"
    silent = now - reader.heard_at
    if silent > silent_s:
        yield f"{name} has been silent for {silent:.0f} s"
    if not report.reachable:
        yield f"the source's broker cannot be reached by {name}"
    if reader.stuck_since is not None and now - reader.stuck_since > STUCK_S:
        yield (
            f"the watermark of {name} has stood still for {now - reader.stuck_since:.0f} s"
            f" while {report.lag} records wait"
        )


def _all_ended(view: View, readers: int) -> bool:
    seen = view.readers.values()
    return len(seen) == readers and all(reader.report.ended for reader in seen)
