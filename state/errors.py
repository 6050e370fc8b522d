"""What may be wrong with a state folder."""


class StateError(Exception):
    """The state cannot be used; the message says why and what to do. Nothing was changed."""
