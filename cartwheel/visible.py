"""Texts that come from outside, and numbers, as they are shown."""


def visible(text: str) -> str:
    """Show what is no visible character by its number: events are not to steer the terminal."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def counted(count: int, noun: str) -> str:
    """Put a number before a noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
