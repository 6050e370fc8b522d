"""Takes one customer's results out of what waits to be sent."""

from collections.abc import Collection

from connectors.kafka.outbox import Outbox, customers_of


def copy_without(source: Outbox, number: int, names: Collection[str], target: Outbox) -> int:
    """Write an outbox of another folder without what is about a customer.

    Args:
        source: where the outbox is.
        number: of the outbox.
        names: the customer, and what else the customer was called.
        target: where it is to be under the same number.

    Returns:
        How many records were left out.

    Raises:
        FileProblem: it cannot be read or written.
    """
    left_out = 0
    for record in source.records(number):
        if not customers_of(record).isdisjoint(names):
            left_out += 1
        else:
            target.add(number, record)
    target.finish(number)
    return left_out
