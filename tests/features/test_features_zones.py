"""Local hours, days and weeks by hand where clocks change, and against the definition elsewhere."""

import pickle
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.features.feature import Feature
from operators.features.moment import Moment
from operators.features.plan import FeaturePlan, PeriodName, WindowPlan
from operators.features.zones import UTC, Zone, zone_of
from operators.times import AFTER_ALL, EventTime
from oracle.features import period as period_by_definition

HOUR = 3_600_000
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Cairo",
]


def ms(text: str) -> EventTime:
    """Read a time such as 2025-03-30T01:00, UTC."""
    return EventTime(round(datetime.fromisoformat(text + "+00:00").timestamp() * 1000))


BY_HAND = [
    # Berlin goes from 02:00 to 03:00 on 2025-03-30: a day of 23 hours, a week that is short of one
    ("Europe/Berlin", "day", "2025-03-30T12:00", "2025-03-29T23:00", "2025-03-30T22:00"),
    ("Europe/Berlin", "week", "2025-03-26T12:00", "2025-03-23T23:00", "2025-03-30T22:00"),
    ("Europe/Berlin", "hour", "2025-03-30T00:59", "2025-03-30T00:00", "2025-03-30T01:00"),
    ("Europe/Berlin", "hour", "2025-03-30T01:00", "2025-03-30T01:00", "2025-03-30T02:00"),
    # and back from 03:00 to 02:00 on 2025-10-26: a day of 25 hours, the hour from 02:00 twice
    ("Europe/Berlin", "day", "2025-10-26T12:00", "2025-10-25T22:00", "2025-10-26T23:00"),
    ("Europe/Berlin", "week", "2025-10-26T12:00", "2025-10-19T22:00", "2025-10-26T23:00"),
    ("Europe/Berlin", "hour", "2025-10-26T00:10", "2025-10-26T00:00", "2025-10-26T02:00"),
    ("Europe/Berlin", "hour", "2025-10-26T01:10", "2025-10-26T00:00", "2025-10-26T02:00"),
    # Havana leaves out the hour after midnight on 2025-03-09, and has it twice on 2025-11-02
    ("America/Havana", "day", "2025-03-09T12:00", "2025-03-09T05:00", "2025-03-10T04:00"),
    ("America/Havana", "day", "2025-11-02T12:00", "2025-11-02T04:00", "2025-11-03T05:00"),
    # Lord Howe puts its clocks back by half an hour, from 02:00 to 01:30 on 2025-04-06
    ("Australia/Lord_Howe", "hour", "2025-04-05T15:10", "2025-04-05T14:00", "2025-04-05T15:30"),
    ("Australia/Lord_Howe", "day", "2025-04-06T01:00", "2025-04-05T13:00", "2025-04-06T13:30"),
    # St. John's went back at 00:01, to 23:01 of the day before
    ("America/St_Johns", "day", "2010-11-07T02:35", "2010-11-07T02:30", "2010-11-08T03:30"),
    # Apia left out 2011-12-30
    ("Pacific/Apia", "day", "2011-12-30T09:00", "2011-12-29T10:00", "2011-12-30T10:00"),
    ("Pacific/Apia", "day", "2011-12-30T10:00", "2011-12-30T10:00", "2011-12-31T10:00"),
    # Toronto went from 23:30 to 00:30 in 1919: midnight is left out, the day begins at 00:30
    ("America/Toronto", "day", "1919-03-31T12:00", "1919-03-31T04:30", "1919-04-01T04:00"),
    # a quarter of an hour off, and before 1970
    ("Asia/Kathmandu", "hour", "2025-01-01T00:20", "2025-01-01T00:15", "2025-01-01T01:15"),
    ("UTC", "week", "1969-12-31T12:00", "1969-12-29T00:00", "1970-01-05T00:00"),
]


@pytest.mark.parametrize(("name", "period", "time", "start", "end"), BY_HAND)
def test_periods_where_clocks_change(
    name: str, period: PeriodName, time: str, start: str, end: str
) -> None:
    assert zone_of(name).period(period, ms(time)) == (ms(start), ms(end))


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(["hour", "day", "week"]),
    st.integers(ms("2025-03-01T00:00"), ms("2025-11-20T00:00")),
)
@example("Africa/Cairo", "day", ms("2025-04-24T22:00"))
@example("Africa/Cairo", "day", ms("2025-04-24T21:59"))
def test_periods_are_what_looking_at_every_quarter_gives(
    name: str, period: PeriodName, time: EventTime
) -> None:
    assert zone_of(name).period(period, time) == period_by_definition(period, name, time)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(
        [*ZONES, "America/St_Johns", "Pacific/Apia", "America/Toronto", "Africa/Monrovia"]
    ),
    st.sampled_from(["hour", "day", "week"]),
    st.integers(ms("1910-01-01T00:00"), ms("2040-01-01T00:00")),
)
def test_periods_follow_one_another_without_a_gap(
    name: str, period: PeriodName, time: EventTime
) -> None:
    zone = Zone(name, zone_of(name)._info)
    start, end = zone.period(period, time)
    assert start <= time < end
    assert zone.period(period, start) == zone.period(period, EventTime(end - 1)) == (start, end)
    assert zone.period(period, end)[0] == end
    assert zone.period(period, EventTime(start - 1))[1] == start


@pytest.mark.parametrize(
    ("name", "time", "hour", "weekday", "date"),
    [
        ("UTC", "2026-01-31T23:59", 23, 6, "2026-01-31"),
        ("Europe/Berlin", "2026-01-31T23:59", 0, 7, "2026-02-01"),
        ("Europe/Berlin", "2025-10-26T00:30", 2, 7, "2025-10-26"),
        ("Europe/Berlin", "2025-10-26T01:30", 2, 7, "2025-10-26"),
        ("Europe/Berlin", "2025-10-26T02:00", 3, 7, "2025-10-26"),
        ("America/St_Johns", "2010-11-07T02:30", 0, 7, "2010-11-07"),
        ("America/St_Johns", "2010-11-07T02:32", 23, 6, "2010-11-06"),
        ("Asia/Kolkata", "2025-01-05T18:29", 23, 7, "2025-01-05"),
        ("Asia/Kolkata", "2025-01-05T18:30", 0, 1, "2025-01-06"),
    ],
)
def test_what_clock_and_calendar_show(
    name: str, time: str, hour: int, weekday: int, date: str
) -> None:
    zone = zone_of(name)
    for _ in range(2):  # the second time it is remembered
        assert zone.local(ms(time)) == (hour, weekday, date)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(ZONES),
    st.lists(st.integers(ms("2025-03-01T00:00"), ms("2025-11-20T00:00")), max_size=5),
    st.integers(0, 2 * HOUR),
)
def test_what_is_remembered_of_a_zone_changes_no_answer(
    name: str, times: list[EventTime], later: int
) -> None:
    zone = zone_of(name)
    for time in [each + more for each in times for more in (0, later)]:
        fresh = Zone(name, zone._info)
        assert zone.local(EventTime(time)) == fresh.local(EventTime(time))
        assert zone.period("day", EventTime(time)) == fresh.period("day", EventTime(time))


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Mars/Olympus",
        "../zones",
        "/etc/localtime",
        "zones",
        "europe/berlin",
        5,
        True,
        "\0",
    ],
)
def test_what_is_no_zone_is_utc(name: Any) -> None:
    assert zone_of(name) is UTC


def test_a_zone_is_loaded_once_and_can_be_sent_to_another_process() -> None:
    zone = zone_of("Europe/Berlin")
    assert zone_of("Europe/Berlin") is zone
    assert pickle.loads(pickle.dumps(zone)) is zone  # noqa: S301 (our own)
    assert zone_of("UTC") is UTC is pickle.loads(pickle.dumps(UTC))  # noqa: S301 (our own)


def days() -> Any:
    return Feature(FeaturePlan("x", "count", WindowPlan("tumbling", period="day"), None, 0, ""))


def test_a_day_is_the_customers_and_is_fixed_by_the_event_that_opens_it() -> None:
    feature = days()
    berlin, tokyo = zone_of("Europe/Berlin"), zone_of("Asia/Tokyo")
    first = ms("2025-10-26T12:00")
    state = feature.add(feature.start(), None, first, Moment(first, berlin))
    assert feature.deadline(state) == ms("2025-10-26T23:00")
    second = ms("2025-10-26T16:00")  # already the 27th in Tokyo, where the customer is by now
    state = feature.add(state, None, second, Moment(second, tokyo))
    assert feature.value(state, Moment(second, tokyo)) == 2
    assert feature.deadline(state) == ms("2025-10-26T23:00")
    third = ms("2025-10-26T23:00")
    state = feature.add(state, None, third, Moment(third, tokyo))
    assert feature.value(state, Moment(third, tokyo)) == 1
    assert feature.deadline(state) == ms("2025-10-27T15:00")


def test_what_is_older_than_the_open_day_or_of_a_day_that_is_over_does_not_count() -> None:
    feature = days()
    now = ms("2025-10-26T12:00")
    state = feature.add(feature.start(), None, now, Moment(now))
    yesterday = ms("2025-10-25T23:59")
    assert feature.value(feature.add(state, None, yesterday, Moment(now)), Moment(now)) == 1
    state = feature.add(feature.start(), None, yesterday, Moment(now))
    assert feature.value(state, Moment(now)) == 0
    assert feature.deadline(state) == AFTER_ALL
