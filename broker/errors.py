"""What goes wrong around the broker."""


class BrokerError(Exception):
    """The broker cannot be fetched or started; the text says why and what is missing."""
