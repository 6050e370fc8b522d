"""What is kept of every customer, ready to work: a plan's features and the session's values."""

from typing import Any, NamedTuple, Protocol

from expressions import names
from operators.causes import causes_of, event_trees
from operators.features.collected import Collected
from operators.features.feature import Feature
from operators.features.moment import Moment
from operators.features.plan import FeaturePlan
from operators.fields import FieldType
from operators.observing import DERIVED, ZONED
from operators.plans import ProfilePlan
from operators.times import EventTime


class SessionValue(Protocol):
    """One value that is kept with a session: a collected value, or a feature's kind."""

    def start(self) -> Any:
        """Return the state before any event."""

    def update(self, state: Any, value: Any, time: EventTime) -> Any:
        """Return the state with one more value."""

    def merge(self, earlier: Any, later: Any) -> Any:
        """Return the state of two stretches together."""

    def value(self, state: Any, moment: Moment) -> Any:
        """Return what stands in a row."""


class OfSession(NamedTuple):
    """A value of the session, and where it stands."""

    slot: int
    value: SessionValue
    plan: FeaturePlan
    field_type: FieldType | None


class OfProfile(NamedTuple):
    """A feature of the profile, and where it stands."""

    slot: int
    feature: Feature
    plan: FeaturePlan
    field_type: FieldType | None


class Kept:
    """The features of a plan.

    Attributes:
        plan: the whole of it.
        collected: what goes into a session's record.
        session_values: all that is kept with a session, what goes into the record first.
        features: kept in the profile, by slot.
        windowed: the slots of those that let go of values by themselves.
        of_session: the session's values, for the plans of events.
        of_profile: the profile's features, likewise.
        needs_zone: whether any of it depends on where the customer is.
        needs_moment: whether any of it depends on the customer's clock, or rows are wanted.
        tells_closings: whether some trigger starts when a session closes.
        has_rows: whether anybody looks at rows.
        model_keys: of each model, what its part of records stands under: its name and definition.
        event_names: the events that some of it looks at by name.
        session_slots: the slots of rows that tell of the session.
        clock_slots: the slots of rows that tell of the moment.
        no_session: what stands in the session's slots while there is none.
    """

    def __init__(self, plan: ProfilePlan) -> None:
        self.plan = plan
        self.collected: list[Collected] = [Collected(each) for each in plan.collect]
        in_session = [Feature(each) for each in plan.session_features]
        self.session_values: list[SessionValue] = [
            *self.collected,
            *(each.kind for each in in_session),
        ]
        self.features: list[Feature] = [Feature(each) for each in plan.row.features]
        self.windowed = [slot for slot, each in enumerate(self.features) if each.lets_go]
        session_plans = [*plan.collect, *plan.session_features]
        session_types = [
            *(each.field_type for each in self.collected),
            *(each.kind.field_type for each in in_session),
        ]
        self.of_session = [
            OfSession(slot, *each)
            for slot, each in enumerate(
                zip(self.session_values, session_plans, session_types, strict=True)
            )
        ]
        self.of_profile = [
            OfProfile(slot, each, each.plan, each.kind.field_type)
            for slot, each in enumerate(self.features)
        ]
        all_plans = [*session_plans, *plan.row.features]
        asked = {name for each in all_plans for name in _event_names(each)}
        asked |= {
            name
            for cause in causes_of(plan.triggers)
            for tree in event_trees(plan.triggers[cause.trigger], cause)
            for name in names(tree)
        }
        by_calendar = any(
            each.window.kind == "tumbling" and each.window.zone == "customer" for each in all_plans
        )
        self.needs_zone = bool(plan.row.clock) or by_calendar or bool(asked & ZONED)
        self.has_rows = plan.has_rows or bool(plan.models)
        self.model_keys = [f"{each.name} {each.definition}" for each in plan.models]
        self.needs_moment = self.has_rows or bool(asked & DERIVED.keys())
        self.tells_closings = any(each.on.kind == "session" for each in plan.triggers)
        self.event_names = {each.of for each in all_plans if each.of} | {
            each.window.event for each in all_plans if each.window.event
        }
        for model in plan.models:
            self.event_names |= {*([model.target.event] if model.predicts else []), *model.at}
        self._changing = {n for n, each in enumerate(self.features) if each.changes_at_rows}
        first, then = len(self.features), len(self.features) + len(plan.row.session)
        self.session_slots = tuple(range(first, then))
        self.clock_slots = tuple(range(then, then + len(plan.row.clock)))
        self.no_session = [
            in_session[each.number - len(self.collected)].empty
            if each.field == "value" and each.number >= len(self.collected)
            else None
            for each in plan.row.session
        ]

    def feature_slots(self, touched: set[int]) -> tuple[int, ...]:
        """Return the slots of features that an event may change, which touches some of them."""
        return tuple(sorted(touched | self._changing))


def _event_names(plan: FeaturePlan) -> list[str]:
    return [name for tree in (plan.value, plan.where) if tree for name in names(tree)]
