"""What the compiled rules read of events: each field, by whom, where it is kept and where it goes.

Worked out from the same plans that the steps run, with the same functions: a rule of a new sort
reads through them, and what is read by nobody who is named here does not exist.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from config import format_duration
from expressions import Tree, names
from operators.arbitration import ZONE
from operators.causes import EVENT, causes_of, event_trees, message_trees
from operators.event_plans import ZONE_FIELD
from operators.features.plan import FeaturePlan, WindowPlan
from operators.fields import FieldType
from operators.identity_plan import IdentityPlan
from operators.kept import Kept
from operators.observing import Fields
from operators.plans import DecidePlan, ProfilePlan, TriggerPlan

PROFILE, DECISIONS = "profile", "decisions"
"""The two records of a customer: what is known, and what was decided and waits."""
ANY = "any event"


IDS = "ids"
"""Where it is kept whose an anonymous id is, and what was done under it."""


class FieldUse(msgspec.Struct, frozen=True):
    """One rule's use of a field.

    Attributes:
        field: its path; of a column, the column.
        source: the event that has it, or the file of customers.
        use: the rule, and who looks at what it keeps.
        kept: in which records, or by which models; nowhere: it is only looked at.
        until: how long.
        goes_out: to which outputs.
        hidden: how the config hides it, None where it does not.
    """

    field: str
    source: str
    use: str
    kept: list[str] = []
    until: str = ""
    goes_out: list[str] = []
    hidden: str | None = None


class FieldUses:
    """Finds the uses of fields in compiled plans.

    Args:
        profile: the profile step's plan.
        decide: the decide step's.
        identity: how anonymous ids are linked to customers, None where they are not.
    """

    def __init__(
        self, profile: ProfilePlan, decide: DecidePlan, identity: IdentityPlan | None = None
    ) -> None:
        self._profile, self._decide = profile, decide
        self._identity = identity
        self._kept = Kept(profile)
        self._retention = f"retention, {format_duration(profile.retention_ms)}"
        grace_ms = profile.gap_ms + profile.grace_ms
        self._session = f"the session is closed, {format_duration(grace_ms)} after its last event"

    def all(self) -> Iterator[FieldUse]:
        """Give all uses, those of rules in the order of the steps."""
        yield from self._of_every_event()
        yield from self._of_identity()
        for each in self._kept.of_session:
            is_collected = each.slot < len(self._profile.collect)
            rule = "session.collect" if is_collected else "features"
            out = ["sessions"] if is_collected else []
            yield from self._of_feature(rule, each.plan, each.field_type, self._session, out)
        for feature in self._kept.of_profile:
            until = self._window(feature.plan.window)
            yield from self._of_feature("features", feature.plan, feature.field_type, until, [])
        for trigger in self._decide.triggers:
            yield from self._of_trigger(trigger)
        yield from self._of_models()
        if self._kept.needs_zone:
            path = ".".join(ZONE_FIELD.path)
            use = "the customer's hours, days and weeks"
            yield FieldUse(path, ANY, use, [PROFILE], self._retention)
        yield from self._of_consent()
        for column in self._decide.attributes:
            looking, out = self._looking(f"attribute.{column}")
            use = _joined(f"attribute.{column}", looking)
            kept = ["attributes", DECISIONS]
            yield FieldUse(column, "the file of customers", use, kept, self._retention, out)

    def _of_every_event(self) -> Iterator[FieldUse]:
        models = [f"model {each.name}" for each in self._decide.models]
        for field in ("userId", "anonymousId"):
            kept = [PROFILE, DECISIONS, *models, "audit, as a keyed hash"]
            out = ["every output, as its subject"]
            yield FieldUse(field, ANY, "who the customer is", kept, self._retention, out)
        last = self._profile.duplicates_last
        use = f"duplicates, the last {last}; what a decision was made for"
        out = ["triggers", "decisions"] if self._decide.triggers else []
        out += ["scores"] if self._decide.models else []
        until = "others have come, or retention" if last else self._retention
        yield FieldUse("messageId", ANY, use, [PROFILE, DECISIONS], until, out)
        times = "when it happened"
        out = ["every output, as its time"]
        yield FieldUse("timestamp", ANY, times, [PROFILE, DECISIONS], self._retention, out)
        for field, use in (
            ("receivedAt", "whether the timestamp lies in the future"),
            ("type", "which rules look at the event"),
            ("event", "which rules look at the event"),
        ):
            yield FieldUse(field, ANY, use)

    def _of_identity(self) -> Iterator[FieldUse]:
        """Give what says whose an anonymous id is, and what is kept until somebody does."""
        if self._identity is None:
            return
        for each in self._identity.customer:
            path = ".".join([*each.path, *([each.type] if each.type else [])])
            if path != "userId":
                models = [f"model {each.name}" for each in self._decide.models]
                kept = [PROFILE, DECISIONS, IDS, *models, "audit, as a keyed hash"]
                out = ["every output, as its subject"]
                yield FieldUse(path, ANY, "who the customer is", kept, self._retention, out)
        whose = "whose an anonymous id is"
        yield FieldUse("userId", ANY, whose, [IDS], self._retention, ["identity"])
        yield FieldUse("anonymousId", ANY, whose, [IDS], self._retention, ["identity"])
        yield FieldUse("previousId", "alias", whose, [IDS], self._retention, ["identity"])
        until = f"it is linked, or unused for {format_duration(self._identity.keep_ms)}"
        use = "what was done under it: of these events all fields of this list"
        yield FieldUse("anonymousId", ANY, use, [IDS], until)

    def _of_feature(
        self,
        rule: str,
        plan: FeaturePlan,
        field_type: FieldType | None,
        until: str,
        out: Sequence[str],
    ) -> Iterator[FieldUse]:
        """Give what a feature takes, or a value that sessions collect; conditions keep nothing."""
        is_collected = rule != "features"
        looking, more = self._looking(f"session.{plan.name}" if is_collected else plan.name)
        kept = [PROFILE] if is_collected and not looking else [PROFILE, DECISIONS]
        kept += [each for each in looking if each.startswith("model ")]
        for model in self._weighing(f"session.{plan.name}" if is_collected else plan.name):
            until += f"; the weight of each text: model {model} is trained anew"
        named = f"{rule}.{plan.name}" if "." not in plan.name else plan.name
        if plan.name == ZONE:
            named = "the customer's time zone, for quiet hours and limits"
        source = plan.of or ANY
        fields = Fields()
        fields.add_feature(plan, field_type)
        taken = _fields_in(plan.value)
        if not taken:  # it counts events, or keeps when they were
            goes = list(dict.fromkeys([*out, *more]))
            yield FieldUse("timestamp", source, _joined(named, looking), kept, until, goes)
        for path in _paths(fields):
            if path in taken:
                goes = list(dict.fromkeys([*out, *more]))
                yield FieldUse(path, source, _joined(named, looking), kept, until, goes)
            else:
                yield FieldUse(path, source, f"{named}, which events count")

    def _of_trigger(self, trigger: TriggerPlan) -> Iterator[FieldUse]:
        rule = f"triggers.{trigger.name}"
        until = f"the message is decided; of {DECISIONS} the last are kept, for retention"
        messages = {path for tree in message_trees(trigger) for path in _fields_in(tree)}
        for cause in causes_of([trigger]):
            occurrence = cause.occurrence
            if occurrence.kind not in {"event", "any"}:
                continue
            source = occurrence.name or ANY
            if trigger.key:
                out = ["triggers", "decisions"]
                path = ".".join(trigger.key)
                yield FieldUse(path, source, f"{rule}, its key", [DECISIONS], until, out)
            fields = Fields()
            for tree in event_trees(trigger, cause):
                fields.add_tree(tree)
            for path in _paths(fields):
                is_message = path in messages and not cause.steps
                if is_message:
                    use = f"{rule}, its message"
                    yield FieldUse(path, source, use, [DECISIONS], until, ["triggers"])
                if not is_message or path in _fields_in(occurrence.where):
                    yield FieldUse(path, source, f"{rule}, which events count")

    def _of_models(self) -> Iterator[FieldUse]:
        for model in self._profile.models:
            if model.predicts and model.target.value:
                path, kept = ".".join(model.target.value), [PROFILE, f"model {model.name}"]
                until = "the outcome is learned"
                source = model.target.event
                yield FieldUse(path, source, f"models.{model.name}, what it predicts", kept, until)

    def _of_consent(self) -> Iterator[FieldUse]:
        consent = self._profile.consent
        if consent is None:
            return
        kept = [PROFILE, DECISIONS]
        paths = ["context.consent.categoryPreferences"]
        paths += [
            f"context.consentManagement.{each}"
            for each in ("allowedConsentIds", "deniedConsentIds")
        ]
        told = [(path, "consent, what is permitted") for path in paths]
        if consent.gpc:
            told.append((".".join(consent.gpc), "consent.gpc"))
        if consent.region:
            told.append((".".join(consent.region), "consent.region"))
        for path, use in told:
            yield FieldUse(path, ANY, use, kept, self._retention)

    def _looking(self, name: str) -> tuple[list[str], list[str]]:
        """Return which rules look at a value of the customer, and where it goes through them."""
        decide = self._decide
        looking = [f"segment {each.name}" for each in decide.segments if name in each.uses]
        looking += [
            f"model {each.name}"
            for each in decide.models
            if name in {each_input.name for each_input in each.inputs}
        ]
        out = []
        for trigger in decide.triggers:
            if name in _names(message_trees(trigger)):
                out = ["triggers"]
                looking.append(f"trigger {trigger.name}")
            elif name in _names(_conditions(trigger)):
                looking.append(f"trigger {trigger.name}")
        return looking, out

    def _weighing(self, name: str) -> list[str]:
        """Return the models that keep a weight for each text that a value had."""
        return [
            model.name
            for model in self._decide.models
            if model.predicts
            for each in model.inputs
            if each.name == name and each.kind == "category"
        ]

    def _window(self, window: WindowPlan) -> str:
        if window.kind == "since":
            return f"{window.event}, or {self._retention}"
        if window.kind == "sliding":
            return f"it is {format_duration(window.size_ms)} old"
        if window.kind == "tumbling":
            return f"the {window.period} is over"
        return self._retention


def _conditions(trigger: TriggerPlan) -> Iterator[Tree]:
    occurrences = [trigger.on, *(cancel for step in trigger.steps for cancel in step.cancel)]
    yield from (each.where for each in occurrences if each.where)
    yield from (step.when for step in trigger.steps if step.when)


def _names(trees: Iterable[Tree]) -> set[str]:
    return {name for tree in trees for name in names(tree)}


def _fields_in(tree: Tree | None) -> set[str]:
    """Return the paths of the event that an expression names."""
    found = names(tree) if tree else ()
    return {_plain(name.removeprefix(EVENT)) for name in found if name.startswith(EVENT)}


def _paths(fields: Fields) -> list[str]:
    return list(dict.fromkeys(_plain(".".join(each.path)) for each in fields.wanted))


def _plain(path: str) -> str:
    return path.replace("[]", "")


def _joined(rule: str, looking: Sequence[str]) -> str:
    return f"{rule}, for {', '.join(looking)}" if looking else rule
