"""From the config's privacy to what rewrites events, with the key of their state."""

from functools import partial
from typing import Any

import msgspec

from config import Config
from flows.errors import ResumeError
from operators.minimize import Minimizer
from operators.privacy_plan import Path, PrivacyPlan
from state.folder import StateFolder
from state.keyed_hash import field_hash, make_key, read_key, whole_hash

CUSTOMER_FIELDS: tuple[Path, ...] = (("userId",), ("anonymousId",))
"""The fields that say who the customer is."""

TRIAL_KEY = b"the key of trials: hides nothing"
"""Hashes fields where nothing is kept: the same everywhere, so that tests can be written."""


_LOST = "{} has lost the key to what is hashed (privacy.key); restore it from a backup"


def privacy_plan(config: Config) -> PrivacyPlan | None:
    """Compile what the config says of fields; None where it hides none."""
    privacy = config.privacy
    if privacy is None or not (privacy.drop or privacy.hash or privacy.mask):
        return None
    return PrivacyPlan(*(_paths(each) for each in (privacy.drop, privacy.hash, privacy.mask)))


def trial_plan(plan: PrivacyPlan) -> PrivacyPlan:
    """Return a plan for trying rules: customers keep their names, which scenarios call them by."""
    kept = tuple(path for path in plan.hash if path not in CUSTOMER_FIELDS)
    return PrivacyPlan(plan.drop, kept, plan.mask)


def minimizer(plan: PrivacyPlan, key: bytes) -> Minimizer:
    """Return what rewrites events by a plan, with a key."""
    return Minimizer(plan, partial(field_hash, key), partial(whole_hash, key))


class _LastJob(msgspec.Struct):
    """Of a state's last job, whether it hid anything."""

    privacy: Any = None


def prepare_key(folder: StateFolder, plan: PrivacyPlan | None) -> None:
    """Make the key of a state where a run needs one, and see that it was not lost.

    Raises:
        ResumeError: there was one.
        StateError: it is damaged.
    """
    if plan is None:
        return
    if read_key(folder.path) is None and folder.was_run():
        try:
            before = msgspec.json.decode(folder.read_run().job, type=_LastJob)
        except FileNotFoundError:
            before = _LastJob()
        if before.privacy is not None:
            raise ResumeError(_LOST.format(folder.path))
    make_key(folder.path)


def state_minimizer(folder: StateFolder, plan: PrivacyPlan | None) -> Minimizer | None:
    """Return what rewrites events for a state; None where nothing is to be done.

    Raises:
        ResumeError: the key is missing.
        StateError: it is damaged.
    """
    if plan is None:
        return None
    key = read_key(folder.path)
    if key is None:
        raise ResumeError(_LOST.format(folder.path))
    return minimizer(plan, key)


def _paths(written: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(tuple(each.split(".")) for each in written)
