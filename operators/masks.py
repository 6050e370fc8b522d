"""Blots out addresses and numbers of people in texts: mail, phone, payment card, network.

What is recognised is replaced by the name of its kind, and nothing of it is left. Where it is not
certain what something is, it goes: a field that is to be masked holds nothing that is needed to the
letter. All patterns take time in proportion to the text, whatever it holds.
"""

import re

_HEX = "[0-9A-Fa-f]{1,4}"
_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_ALONE = rf"(?<![0-9])(?<![0-9]\.){_V4}(?!\.?[0-9])"
"""Not part of a longer number that is written with dots."""
_V6 = (
    rf"(?:{_HEX}:){{6}}{_V4}"
    rf"|(?:{_HEX}:){{7}}{_HEX}"
    rf"|(?:{_HEX}(?::{_HEX}){{0,6}})?::(?:(?:{_HEX}:){{0,5}}{_V4}|{_HEX}(?::{_HEX}){{0,6}})"
    rf"|{_HEX}(?::{_HEX}){{0,6}}::"
)
_ADDRESS = re.compile(rf"(?<![0-9A-Za-z])(?:{_V6})(?:%[0-9A-Za-z_.-]{{1,32}})?|{_ALONE}")

_WORD = re.compile(r"""[^\s<>()\[\]{},;:"|/?&=#]+""")
_AT = re.compile(r"[@＠]|%40")  # noqa: RUF001 (the wide one is meant)

_BETWEEN = r"[\s().\-/\u2010-\u2015\u00ad]"
"""What may stand between the digits of a number that is written in groups."""
_NUMBER = re.compile(rf"(?:[+(]{_BETWEEN}{{0,2}})?\d(?:{_BETWEEN}{{0,3}}\d){{6,}}")

_CARD_DIGITS = range(13, 20)
"""How many digits the number of a payment card has (ISO/IEC 7812-1, up to 19)."""


def masked(text: str) -> str:
    """Return a text in which what was recognised is replaced by ``[email]``, ``[ip]`` and so on."""
    if _AT.search(text):
        text = _WORD.sub(_mail, text)
    return _NUMBER.sub(_number, _ADDRESS.sub("[ip]", text))


def _mail(word: re.Match[str]) -> str:
    return "[email]" if len(word[0]) > 1 and _AT.search(word[0]) else word[0]


def _number(found: re.Match[str]) -> str:
    digits = [int(each) for each in found[0] if each.isdecimal()]
    is_card = len(digits) in _CARD_DIGITS and _passes_luhn(digits)
    return "[card]" if is_card else "[phone]"


def _passes_luhn(digits: list[int]) -> bool:
    """Check the last digit of a card's number (the Luhn formula, ISO/IEC 7812-1, annex B)."""
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
