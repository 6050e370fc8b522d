"""What became of scenarios, as JUnit XML: what build servers show of tests.

One ``testsuite`` a file, one ``testcase`` a scenario, in the order in which they ran.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from cartwheel.places import write_whole
from config import Scenario
from flows.scenarios import Difference

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document can hold, not even escaped."""


@dataclass(frozen=True)
class Result:
    """What became of a scenario.

    Attributes:
        scenario: which.
        differences: what is not as it says.
        seconds: how long it took.
    """

    scenario: Scenario
    differences: Sequence[Difference]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether all is as the scenario says."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """Give what there is to say, for JSON."""
        return {
            "file": self.scenario.file,
            "line": self.scenario.place.line,
            "name": self.scenario.name,
            "ok": self.ok,
            "differences": [
                {
                    "line": each.place.line,
                    "column": each.place.column,
                    "what": each.what,
                    "details": list(each.details),
                }
                for each in self.differences
            ],
        }


def write_junit(path: Path, results: Sequence[Result]) -> None:
    """Write the results to a file, as a whole.

    Raises:
        CartwheelError: it cannot be written.
    """
    root = ET.Element("testsuites", _counts(results))
    for file, some in groupby(results, key=lambda each: each.scenario.file):
        of_file = list(some)
        suite = ET.SubElement(root, "testsuite", {"name": _text(file), **_counts(of_file)})
        for result in of_file:
            _add_case(suite, result)
    ET.indent(root)
    write_whole(path, ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _counts(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(not each.ok for each in results)),
        "errors": "0",
        "skipped": "0",
        "time": _seconds(sum(each.seconds for each in results)),
    }


def _add_case(suite: ET.Element, result: Result) -> None:
    scenario = result.scenario
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": _text(Path(scenario.file).stem),
            "name": _text(scenario.name),
            "file": _text(scenario.file),
            "line": str(scenario.place.line),
            "time": _seconds(result.seconds),
        },
    )
    if result.ok:
        return
    lines = [
        "\n".join([f"line {each.place.line}: {each.what}", *(f"  {line}" for line in each.details)])
        for each in result.differences
    ]
    failure = {"message": _text(result.differences[0].what), "type": "difference"}
    ET.SubElement(case, "failure", failure).text = _text("\n".join(lines))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _text(text: str) -> str:
    """Write by its number what XML cannot hold."""
    return _NO_XML.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
