"""Times as text: they agree with Python's datetime, and what is no RFC 3339 text is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.times import EventTime, format_time, parse_time, parse_times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, BEYOND = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

DAYS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
FRACTIONS = st.one_of(st.just(""), st.from_regex(r"\.[0-9]{1,12}", fullmatch=True))
ZONES = st.one_of(
    st.sampled_from(["Z", "z", "+00:00", "-00:00", "+23:59", "-23:59"]),
    st.from_regex(r"[+-]([01][0-9]|2[0-3]):[0-5][0-9]", fullmatch=True),
)


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def zone_offset(zone: str) -> timedelta:
    if zone in "Zz":
        return timedelta(0)
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    return -size if zone[0] == "-" else size


def outcome(text: str) -> int | None:
    try:
        return parse_time(text)
    except ValueError:
        return None


def outcomes(texts: list[str]) -> list[int] | None:
    try:
        return [int(time) for time in parse_times(texts)]
    except ValueError:
        return None


@settings(deadline=None, max_examples=500)
@given(DAYS, st.sampled_from("Tt "), FRACTIONS, ZONES)
@example(datetime(1, 1, 1, tzinfo=UTC), "T", "", "+01:00")
@example(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "T", "", "-01:00")
@example(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "T", ".9999", "Z")
@example(datetime(999, 12, 31, 23, 30, tzinfo=UTC), "T", "", "-00:30")
def test_any_rfc_3339_text_means_what_datetime_says(
    day: datetime, separator: str, fraction: str, zone: str
) -> None:
    text = day.replace(tzinfo=None).isoformat(sep=separator) + fraction + zone
    expected = milliseconds(day) + int((fraction[1:4] + "000")[:3])
    expected -= zone_offset(zone) // timedelta(milliseconds=1)
    writable = milliseconds(FIRST) <= expected < milliseconds(BEYOND)
    assert outcome(text) == (expected if writable else None)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.0009Z", 0),
        ("1970-01-01T00:00:00.9999999Z", 999),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("1969-12-31T23:59:59.0001Z", -1000),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T01:30:00+01:30", 0),
        ("1969-12-31T22:30:00-01:30", 0),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000),
        ("2000-02-29T00:00:00.000Z", 951_782_400_000),
    ],
)
def test_fractions_are_cut_and_offsets_taken_away(text: str, time: int) -> None:
    assert parse_time(text) == time
    assert parse_times([text]).tolist() == [time]


BAD = [
    "",
    "2026",
    "2026-01-31",
    "2026-01-31T09:30Z",
    "2026-01-31T09:30:00",
    "2026-01-31T09:30:00+0100",
    "2026-01-31T09:30:00+01",
    "2026-01-31T09:30:00.Z",
    "2026-01-31T09:30:00,5Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T09:60:00Z",
    "2026-01-31T09:30:60Z",
    "2026-02-29T09:30:00Z",
    "1900-02-29T00:00:00.000Z",
    "2026-00-31T09:30:00.000Z",
    "2026-13-01T09:30:00.000Z",
    "2026-01-00T09:30:00.000Z",
    "2026-01-32T09:30:00.000Z",
    "2026-01-31T09:30:00+24:00",
    "2026-01-31T09:30:00+01:60",
    "0000-01-01T00:00:00.000Z",
    " 2026-01-31T09:30:00Z",
    "2026-01-31T09:30:00Z\n",
    "+2026-01-31T09:30:00Z",
    "12026-01-31T09:30:00Z",
    "\uff12\uff1026-01-31T09:30:00.000Z",
    "2026-01-31T09:30:00.00٣Z",
    "2026\u201101-31T09:30:00.000Z",
    "2026-01-31_09:30:00.000Z",
    "1767225600000",
    "2026-W01-1T00:00:00Z",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_rfc_3339_text_is_refused(text: str) -> None:
    assert outcome(text) is None
    assert outcomes([text, text]) is None
    assert outcomes(["2026-01-31T09:30:00.000Z", text]) is None


@settings(deadline=None, max_examples=500)
@given(
    st.lists(
        st.one_of(
            st.datetimes(FIRST.replace(tzinfo=None), BEYOND.replace(tzinfo=None)).map(
                lambda moment: moment.isoformat(timespec="milliseconds") + "Z"
            ),
            st.sampled_from([*BAD, "2026-01-31T09:30:00Z", "2026-01-31T10:30:00.123456+01:00"]),
        ),
        max_size=4,
    ),
    st.integers(0, 3),
    st.integers(0, 23),
    st.one_of(st.sampled_from("0123456789-:TZ. "), st.characters()),
)
def test_many_at_once_are_what_each_is_alone(
    texts: list[str], index: int, position: int, character: str
) -> None:
    if index < len(texts):  # one character changed at random
        text = texts[index]
        texts[index] = text[:position] + character + text[position + 1 :]
    alone = [outcome(text) for text in texts]
    assert outcomes(texts) == (None if None in alone else alone)


@settings(deadline=None, max_examples=300)
@given(st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)))  # noqa: DTZ001
@example(datetime(1000, 1, 1))  # noqa: DTZ001
@example(datetime(1969, 12, 31, 23, 59, 59, 999_000))  # noqa: DTZ001
def test_times_are_written_as_datetime_writes_them(moment: datetime) -> None:
    time = EventTime(milliseconds(moment.replace(tzinfo=UTC)))
    text = format_time(time)
    assert text == moment.isoformat(timespec="milliseconds") + "Z"
    if moment.year < BEYOND.year:
        assert parse_time(text) == time


def test_no_times_at_all_are_no_times() -> None:
    assert parse_times([]).tolist() == []


@pytest.mark.parametrize("text", ["1000-01-01T00:00:00Z", "8999-12-31T23:59:59.999Z"])
def test_deadlines_can_be_added_to_any_time_that_is_accepted(text: str) -> None:
    time = parse_time(text)
    for years in (-0.1, 1, 500):
        assert format_time(EventTime(time + round(years * 365 * 86_400_000)))
