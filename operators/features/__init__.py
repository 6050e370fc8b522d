"""Features: named values of a customer's profile, as pure functions over plain state.

A feature is a kind (what is kept of the values: ``kinds/``, one a file) over a window (of which of
them: ``windows/``, one a file). States are made of numbers, strings, bytes, lists and None alone,
and are bounded.
"""
