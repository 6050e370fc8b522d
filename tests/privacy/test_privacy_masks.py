"""What is recognised in a text, and that nothing is left of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.masks import masked


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("anna@example.org", "[email]"),
        ("write to <anna.o'neil+shop@example.org>, please", "write to <[email]>, please"),
        ("mailto:anna@example.org?subject=a", "mailto:[email]?subject=a"),
        ("https://example.org/?m=anna%40example.org&x=1", "https://example.org/?m=[email]&x=1"),
        ("anna\uff20example.org", "[email]"),
        ("@", "@"),
        ("+49 170 1234567", "[phone]"),
        ("+49 (0)170 / 123 45 67!", "[phone]!"),
        ("(0170) 123-4567", "[phone]"),
        ("0170\u20111234567", "[phone]"),
        ("٠١٢٣٤٥٦٧", "[phone]"),
        ("room 123456", "room 123456"),
        ("4111 1111 1111 1111", "[card]"),
        ("card 5500-0000-0000-0004, thanks", "card [card], thanks"),
        ("4111111111111112", "[phone]"),
        ("6011000990139424 anna@example.org", "[card] [email]"),
        ("from 203.0.113.7.", "from [ip]."),
        ("203.0.113.7:8080", "[ip]:8080"),
        ("1.2.3.4", "[ip]"),
        ("0170.123.45.67", "[phone]"),
        ("0.0.0.0.0.0.0", "[phone]"),
        ("version 1.2.3", "version 1.2.3"),
        ("[2001:db8::1]:443", "[[ip]]:443"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "[ip]"),
        ("::1", "[ip]"),
        ("fe80::1%eth0", "[ip]"),
        ("::ffff:203.0.113.7", "[ip]"),
        ("64:ff9b::203.0.113.7", "[ip]"),
        ("10:20:30", "10:20:30"),
        ("at 12:30, 19.90 EUR", "at 12:30, 19.90 EUR"),
    ],
)
def test_what_a_mask_leaves(text: str, left: str) -> None:
    assert masked(text) == left


WORDS = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=8)
MAIL = st.builds("ZZ{}.{}@{}ZZ.example".format, WORDS, WORDS, WORDS)
DIGITS = st.lists(st.integers(0, 9), min_size=7, max_size=22)
AROUND = st.sampled_from(["", " ", "call ", ", ", "<", "'", "\n", "tel:", "(", "x"])


@settings(deadline=None)
@given(AROUND, MAIL, AROUND)
def test_no_address_of_mail_is_left(before: str, mail: str, after: str) -> None:
    left = masked(f"{before}{mail}{after}")
    assert "@" not in left
    assert "ZZ" not in left


@settings(deadline=None)
@given(AROUND, DIGITS, st.sampled_from(["", " ", "-", ".", " - ", ") "]), AROUND)
def test_no_number_of_seven_digits_is_left(
    before: str, digits: list[int], between: str, after: str
) -> None:
    left = masked(before + between.join(map(str, digits)) + after)
    assert not any(each.isdigit() for each in left)


@settings(deadline=None)
@given(
    st.sampled_from(["", " ", "from ", "<", "["]),
    st.one_of(
        st.ip_addresses().map(str), st.ip_addresses(v=6).map(lambda address: address.exploded)
    ),
)
def test_no_address_of_a_network_is_left(before: str, text: str) -> None:
    if text == "::":
        return  # nobody's
    assert masked(f"{before}{text} it was") == f"{before}[ip] it was"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_masked_once_is_masked(text: str) -> None:
    assert masked(masked(text)) == masked(text)
