"""The page and the picture of `cartwheel diff`: whole, harmless, and as the numbers are."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cartwheel.diff_chart import WIDTH
from cartwheel.diff_page import page, picture
from cartwheel.diff_result import (
    CustomerDiff,
    Diff,
    Ending,
    InstanceDiff,
    MembershipDiff,
    Moved,
    Periods,
    RuleChange,
    RulesDiff,
    SegmentDiff,
    SessionsDiff,
    Sides,
    TriggerDiff,
    Turn,
)
from cartwheel.diff_text import print_diff

HOSTILE = "<script>alert(1)</script>\x1b[31m\x00\u202e&quot;'\"]]>"
TIME = "2026-01-01T10:40:00.000Z"
ALLOWED = (
    "html head meta title style body h1 h2 h3 p table thead tbody tr th td ul li b br"
    " svg g text rect line"
)
SVG = "{http://www.w3.org/2000/svg}"


def result(name: str = "it", sent: int = 3, triggers: int = 1, customers: int = 1) -> Diff:
    """Make a result in which everything is called by one name."""
    ending = Ending("sent", None, TIME, None)
    other = Ending("cancelled", None, TIME, name)
    differences = [InstanceDiff(TIME, name, 2, ending, other, [name])]
    trigger = TriggerDiff(
        old={"sent": sent, "cancelled": 0, "superseded": 9, "suppressed": 1, "expired": 0},
        new={"sent": 0, "cancelled": sent, "superseded": 9, "suppressed": 0, "expired": 0},
        customers=customers,
        only="new",
        changes=[Turn("sent", "cancelled", [], sent), Turn(None, "sent", [], 1)],
        examples=[CustomerDiff(name, differences, 2)],
        reasons=Sides({"limit": 1}, {}),
        sent=[(sent, 0), (0, 1)],
    )
    segment = SegmentDiff(
        old={"entered": 1, "left": 0},
        new={"entered": 0, "left": 0},
        customers=1,
        only=None,
        changes=[Turn("entered", None, [], 1)],
        examples=[CustomerDiff(name, [MembershipDiff(1, Moved("entered", TIME), None)], 0)],
    )
    return Diff(
        configs={"old": name, "new": name},
        events=Sides({"read": 9, "applied": 9}, {"read": 9, "applied": 8}),
        triggers={f"{name}{number or ''}": trigger for number in range(triggers)},
        segments={name: segment},
        rules=RulesDiff([RuleChange(name, name, None), RuleChange("limits", "1", name)], 2),
        sessions=SessionsDiff(3, 4, 1),
        periods=Periods("day", ["2026-01-01", "2026-01-02"]),
    )


class Reader(HTMLParser):
    """Collects the tags of a page, what they refer to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br", "rect", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_hostile_names_do_nothing_in_the_page() -> None:
    text = page(result(HOSTILE))
    read = Reader(text)
    assert read.tags <= set(ALLOWED.split())
    assert read.open == []
    assert not {each for each in read.attributes if each.startswith("on")}
    assert not {"src", "href", "xlink:href"} & read.attributes
    assert "alert(1)" in "".join(read.text)
    assert "\\x1b[31m\\x00\\u202e" in text
    assert not any(sign in text for sign in ("\x1b", "\x00", "\u202e", "<script"))


@pytest.mark.parametrize("name", [HOSTILE, "x" * 5000, "\ud7ff\ufffe"])
def test_hostile_names_leave_the_picture_whole(name: str) -> None:
    drawn = ET.fromstring(picture(result(name)))  # noqa: S314 (made here)
    assert {each.tag.removeprefix(SVG) for each in drawn.iter()} <= set(ALLOWED.split())


def test_hostile_names_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_diff(result(HOSTILE))
    text = capsys.readouterr().out
    assert "alert(1)" in text
    assert all(each.isprintable() or each == "\n" for each in text)


def test_the_page_needs_nothing_beside_itself_and_suits_light_dark_and_paper() -> None:
    text = page(result())
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media print" in text


def test_the_page_tells_what_the_table_tells(capsys: pytest.CaptureFixture[str]) -> None:
    diff = result(customers=5)
    print_diff(diff)
    printed = capsys.readouterr().out
    read = "\n".join(Reader(page(diff)).text)
    for part in (
        "applied: 9 → 8",
        "sessions closed: 3 → 4; 1 customer differs",
        "it (only in the new config)",
        "3 → 0",
        "1 → 0",
        "sent → cancelled",
        "undecided → sent",
        f"started {TIME}, key it, step 2: old sent at {TIME}, new cancelled at {TIME} by it",
        "and 2 more",
        "and 4 more customers",
        f"change 1: only under old: entered {TIME}",
    ):
        assert part in printed, part
        assert part in read, part


def test_a_page_with_very_many_triggers_draws_the_first_of_them() -> None:
    drawn = ET.fromstring(picture(result(triggers=1000)))  # noqa: S314 (made here)
    assert len(drawn.findall(f".//{SVG}rect")) < 200
    assert float(drawn.attrib["height"]) < 2000
    assert "it999" in page(result(triggers=1000))


@settings(max_examples=50)
@given(st.integers(0, 10**15))
@example(0)
def test_nothing_is_drawn_beyond_the_picture(sent: int) -> None:
    drawn = ET.fromstring(picture(result(sent=sent)))  # noqa: S314 (made here)
    rectangles = drawn.findall(f".//{SVG}rect")
    assert rectangles
    for each in rectangles:
        x, width, height = (float(each.attrib[name]) for name in ("x", "width", "height"))
        assert min(x, width, height) >= 0
        assert x + width <= WIDTH


def test_bars_are_as_long_as_the_numbers_are() -> None:
    drawn = ET.fromstring(picture(result(sent=4)))  # noqa: S314 (made here)
    groups = drawn.findall(f"{SVG}g")
    bars = [float(each.attrib["width"]) for each in groups[1].findall(f"{SVG}rect")]
    old, new = bars[:2]
    assert old > 100
    assert new == 0
    suppressed_old = bars[4]
    assert suppressed_old == pytest.approx(old / 4, abs=0.1)
