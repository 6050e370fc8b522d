"""The actions of ``cartwheel state`` that are about one customer."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table

from cartwheel.errors import CartwheelError, UsageError
from cartwheel.visible import print_json
from connectors.errors import ConnectorProblem
from expressions import holds_half_a_character
from flows.errors import ResumeError
from flows.export import export_customer
from flows.forget import forget_customer
from flows.forgetting import Receipt
from state import audit
from state.errors import StateError
from state.folder import StateFolder
from state.keyed_hash import keyed_hash, make_key

if TYPE_CHECKING:
    Actions = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 (has no other name)


def add_actions(actions: "Actions") -> None:
    """Declare what the actions take."""
    export = actions.add_parser("export", help="print all that is kept of one customer")
    _add_customer(export)
    export.set_defaults(act=_export)
    forget = actions.add_parser("forget", help="remove one customer from a state that has stopped")
    _add_customer(forget)
    forget.add_argument(
        "--suppress", action="store_true", help="also drop all later events of the customer"
    )
    forget.add_argument("--json", action="store_true", help="print the receipt as JSON")
    forget.set_defaults(act=_forget)


def _add_customer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("customer", metavar="CUSTOMER", help="the customer's id")
    parser.add_argument(
        "--state", metavar="DIR", type=Path, required=True, help="the state's folder"
    )


def _export(arguments: argparse.Namespace) -> int:
    """Print a customer's data as JSON; 1 where nothing is known."""
    customer: str = arguments.customer
    try:
        folder = StateFolder(arguments.state)
        folder.identity()
        told = None
        if not holds_half_a_character(customer):  # no name of a customer does
            told = export_customer(folder, customer)
    except StateError as error:
        raise CartwheelError(str(error)) from None
    if told is None:
        raise CartwheelError(f"nothing is known of the customer {customer!r}")
    note(folder, "export", customer)
    print_json(told)
    return 0


def note(folder: StateFolder, action: Literal["export", "explain"], customer: str) -> None:
    """Note in the audit file that somebody was looked at, before anything is shown.

    Raises:
        CartwheelError: that cannot be done.
    """
    try:
        name = keyed_hash(make_key(folder.path), customer)
        audit.append(folder.path, audit.Entry(audit.now_ms(), action, name))
    except StateError as error:
        raise CartwheelError(str(error)) from None
    except OSError as error:
        raise CartwheelError(
            f"{folder.path}: {error.strerror}, and who is looked at must be noted there"
        ) from None


def _forget(arguments: argparse.Namespace) -> int:
    """Forget a customer and print the receipt; it names nobody."""
    customer: str = arguments.customer
    folder = StateFolder(arguments.state)
    if not customer or holds_half_a_character(customer):
        raise UsageError(f"{customer!r} is no name of a customer")
    try:
        folder.identity()
        with folder.lock():
            receipt = forget_customer(folder, customer, suppress=arguments.suppress)
    except (StateError, ResumeError, ConnectorProblem) as error:
        raise CartwheelError(str(error)) from None
    if arguments.json:
        print_json(receipt)
    else:
        _print(receipt)
    return 0


def _print(receipt: Receipt) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("customer", receipt.customer)
    table.add_row("config", receipt.config)
    table.add_row("state", receipt.state)
    table.add_row("forgotten at", receipt.time)
    for name, count in receipt.removed.items():
        table.add_row(name.replace("_", " "), str(count))
    if not receipt.removed:
        table.add_row("removed", "nothing: the state had nothing of this customer")
    table.add_row("later events", "are dropped" if receipt.suppressed else "start from nothing")
    Console(soft_wrap=True, highlight=False).print(table)
