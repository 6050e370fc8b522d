"""One person's data as a document: all that a state keeps of a customer; changes nothing.

Like an explanation it is read from committed state, also while a run goes on. The rules are those
that the state was last run with.
"""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import msgspec

from flows.explain import explain_found, read_customer
from flows.explanation import DecisionExplained, Explanation, Pending
from flows.ids import Ids, ids_of
from flows.job import Job
from operators.customers import Customer
from operators.features.collected import Collected
from operators.models.parts import ModelOutcome
from operators.models.rfm import Values
from operators.models.store import Given
from operators.plans import ProfilePlan
from operators.profile_store import Profile
from operators.sessions import Session
from operators.times import AFTER_ALL, BEFORE_ALL, EventTime, format_time
from state.about import Layout
from state.errors import StateError
from state.folder import StateFolder
from state.prefixes import Prefix
from state.reading import read_committed_version
from state.records import record_key

_TRAIT = "trait."
_NAMESPACES = (_TRAIT, "session.", "score.", "attribute.")


class MembershipExported(msgspec.Struct, frozen=True, rename={"inside": "in"}):
    """A customer's place in a segment: whether inside, and since when, None before any change."""

    inside: bool
    since: str | None


class Export(msgspec.Struct, frozen=True):
    """All that is kept of a customer.

    Attributes:
        customer: who.
        time: the customer's clock, None before any row.
        first_seen: time of the earliest event, None where the profile is gone.
        last_seen: of the latest one.
        features: by name.
        traits: likewise.
        attributes: what was said of the customer from outside, by column.
        sessions: those that are open, with what they have collected.
        segments: each, by name.
        pending: messages that wait.
        decisions: the latest that were made.
        models: by model, the moments whose scores are remembered or whose outcomes it waits for.
        stored: the records as they stand in the state, field by field.
        ids: what is known of the id and of those that are linked to it, None for nothing.
    """

    customer: str
    time: str | None
    first_seen: str | None
    last_seen: str | None
    features: dict[str, Any]
    traits: dict[str, Any]
    attributes: dict[str, Any]
    sessions: list[dict[str, Any]]
    segments: dict[str, MembershipExported]
    pending: list[Pending]
    decisions: list[DecisionExplained]
    models: dict[str, dict[str, Any]]
    stored: dict[str, Any]
    ids: Ids | None = None


def export_customer(folder: StateFolder, customer: str) -> Export | None:
    """Gather all that a state keeps of a customer; None where that is nothing.

    Raises:
        StateError: the state cannot be read.
    """
    about, found = read_customer(folder, customer)
    models = {name: each for name in folder.models() if (each := _model(folder, name, customer))}
    ids = ids_of(folder, customer)
    if about is None or not (found or models or ids):
        return None
    job = last_job(folder)
    profile, decided, attributes = _records(found, customer)
    layout = list(about.layouts)  # explaining may add one
    told = explain_found((job.profile, job.decide), about, found, customer)
    return Export(
        customer=customer,
        time=told.time,
        first_seen=format_time(profile.first_seen) if profile else None,
        last_seen=format_time(profile.latest) if profile else None,
        features=_named(told, ""),
        traits=_named(told, _TRAIT),
        attributes=dict(zip(about.attributes.columns, attributes, strict=False)),
        sessions=_sessions(job.profile, profile, layout),
        segments={
            name: MembershipExported(each.inside, each.since)
            for name, each in told.segments.items()
        },
        pending=told.pending,
        decisions=told.decisions,
        models=models,
        stored={
            "profile": _stored(profile, layout) if profile else None,
            "decide": _plain(decided, Customer) if decided else None,
        },
        ids=ids,
    )


def last_job(folder: StateFolder) -> Job:
    """Return what the state was last run with.

    Raises:
        StateError: it was never run, or by another version of the program.
    """
    try:
        return msgspec.json.decode(folder.read_run().job, type=Job)
    except FileNotFoundError:
        raise StateError(f"{folder.path} was never run") from None
    except msgspec.DecodeError as error:
        raise StateError(
            f"{folder.path / 'run.json'} was not written by this version of the program ({error});"
            " start the run once, and stop it again"
        ) from None


def _records(
    found: Mapping[bytes, bytes], customer: str
) -> tuple[Profile | None, Customer | None, list[Any]]:
    """Decode the three records that a customer may have in a shard."""
    decode = msgspec.msgpack.decode
    profile = found.get(record_key(Prefix.PROFILE, customer))
    decided = found.get(record_key(Prefix.CUSTOMER, customer))
    attributes = found.get(record_key(Prefix.ATTRIBUTES, customer))
    return (
        decode(profile, type=Profile) if profile else None,
        decode(decided, type=Customer) if decided else None,
        decode(attributes) if attributes else [],
    )


def _model(folder: StateFolder, name: str, customer: str) -> dict[str, Any]:
    """Return what a model keeps of a customer, empty where that is nothing."""
    given = record_key(Prefix.GIVEN_SCORES, customer)
    waiting = record_key(Prefix.WAITING_OUTCOME, customer)
    counted = record_key(Prefix.COUNTED_VALUES, customer)
    found = read_committed_version(folder.model(name), keys=[given, counted], prefixes=[waiting])
    scores, values = found.values
    decode = msgspec.msgpack.decode
    outcomes = [decode(each, type=ModelOutcome) for each in found.entries.values()]
    if scores is None and values is None and not outcomes:
        return {}
    given_scores = decode(scores, type=Given).scores if scores else {}
    return {
        "values": decode(values, type=Values).values if values else [],
        "scores": [
            {"moment": number, "time": format_time(time), "score": score}
            for (number, time), (score, _) in given_scores.items()
        ],
        "outcomes": [
            {
                "moment": each.number,
                "time": format_time(each.time),
                "inputs": each.values,
                "label": each.label,
            }
            for each in outcomes
        ],
    }


def _named(told: Explanation, namespace: str) -> dict[str, Any]:
    """Return the values of a namespace, the bare names for an empty one."""
    return {
        name.removeprefix(namespace): each.value
        for name, each in told.features.items()
        if (name.startswith(namespace) if namespace else not name.startswith(_NAMESPACES))
    }


def _sessions(
    plan: ProfilePlan, profile: Profile | None, layouts: list[Layout]
) -> list[dict[str, Any]]:
    """Describe the open sessions; what they collect is told as the layout has it they stand in."""
    if profile is None:
        return []
    kinds = {f"{each.name} = {each.definition}": Collected(each) for each in plan.collect}
    names = layouts[profile.layout].session

    def describe(session: Session) -> dict[str, Any]:
        collected: dict[str, Any] = {}
        for name, state in zip(names, session.collected, strict=True):
            if name in kinds:
                collected |= kinds[name].result(state)
        return {
            "start": format_time(session.start),
            "last": format_time(session.last),
            "events": session.events,
            "closed": session.is_closed,
            "collected": collected,
        }

    return [describe(each) for each in profile.sessions]


def _stored(profile: Profile, layouts: list[Layout]) -> dict[str, Any]:
    """Name the fields of a profile, and what it keeps of features by their definitions."""
    told: dict[str, Any] = _plain(profile, Profile)
    names = layouts[profile.layout].features
    told["features"] = dict(zip(names, profile.features, strict=True))
    return told


def _plain(value: Any, hint: Any) -> Any:
    """Turn a record into what JSON has, its fields by name and its times written out."""
    if isinstance(hint, UnionType):
        hint = next(each for each in get_args(hint) if each is not NoneType)
    if value is not None and hint is EventTime:
        return None if value in {BEFORE_ALL, AFTER_ALL} else format_time(value)
    if isinstance(value, msgspec.Struct):
        hints = get_type_hints(type(value))
        return {name: _plain(getattr(value, name), each) for name, each in hints.items()}
    *_, inner = get_args(hint) or (Any,)
    if isinstance(value, list):
        return [_plain(each, inner) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each, inner) for key, each in value.items()}
    return value
