"""Lines that are no events, each made for a time that says how far ahead it would be."""

from collections.abc import Callable

from oracle.writing import HOUR_MS, NOW_MS, START_MS, stamp, write

_TIMED = {"userId": "u1", "type": "track", "event": "Product Viewed", "messageId": "bad"}
BAD_LINES: dict[str, Callable[[str], bytes]] = {
    "no JSON": lambda _: b"{oops",
    "cut off": lambda time: write({**_TIMED, "timestamp": time})[:-1],
    "two objects": lambda time: write({**_TIMED, "timestamp": time}) * 2,
    "blank": lambda _: b"",
    "white space": lambda _: b" \t ",
    "no object": lambda _: b'["userId"]',
    "not UTF-8": lambda time: write({**_TIMED, "timestamp": time})[:-1] + b',"note":"\xff"}',
    "too deep": lambda time: (
        write({**_TIMED, "timestamp": time})[:-1] + b',"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    ),
    "no customer": lambda time: write({**_TIMED, "userId": None, "timestamp": time}),
    "empty customer": lambda time: write({**_TIMED, "userId": "", "timestamp": time}),
    "long customer": lambda time: write({**_TIMED, "userId": "u" * 1001, "timestamp": time}),
    "half a character": lambda time: (
        write({**_TIMED, "timestamp": time})[:-1] + b',"note":"\\ud83d"}'
    ),
    "year 999": lambda _: write({**_TIMED, "timestamp": "0999-12-31T23:00:00Z"}),
    "year 9000": lambda _: write(
        {**_TIMED, "timestamp": "9000-01-01T00:00:00Z", "receivedAt": "8999-12-31T23:59:59Z"}
    ),
    "no timestamp": lambda _: write(_TIMED),
    "null as timestamp": lambda _: write({**_TIMED, "timestamp": None}),
    "number as timestamp": lambda _: write({**_TIMED, "timestamp": START_MS}),
    "no such day": lambda _: write({**_TIMED, "timestamp": "2026-02-30T10:00:00Z"}),
    "no offset": lambda time: write({**_TIMED, "timestamp": time.rstrip("Z")}),
    "day only": lambda time: write({**_TIMED, "timestamp": time[:10]}),
    "future": lambda _: write({**_TIMED, "timestamp": stamp(NOW_MS + HOUR_MS + 1)}),
    # The rest is rejected by profile, so it moves the watermark.
    "no event name": lambda time: write({**_TIMED, "event": None, "timestamp": time}),
    "no type": lambda time: write({**_TIMED, "type": None, "timestamp": time}),
    "number as messageId": lambda time: write({**_TIMED, "messageId": 5, "timestamp": time}),
}
