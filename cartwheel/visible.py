"""Text that comes from outside, as it may be shown."""


def visible(text: str) -> str:
    """Show what is no visible character by its number: events are not to steer the terminal."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
