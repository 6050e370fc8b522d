"""What a user may write in the config file: the models, and loading with positions.

Everything outside this package uses the names below and none of its modules.
"""

from config.arbitration import Holdout, Limit, QuietHours
from config.changes import changes_of
from config.consent import Consent, Purposes
from config.errors import ConfigError, Problem
from config.features import Attributes, Decaying, Feature, Segment, Windowed
from config.identity import Identity, external_type
from config.json_schema import config_schema
from config.kafka import KafkaSecurity, KafkaSink, KafkaSource
from config.kafka_values import SINK_TOPICS
from config.loading import Loaded, load, load_with_warnings
from config.measures import Collect, Measure
from config.model_specs import Model, PredictingModel
from config.models import (
    Config,
    Duplicates,
    Epoch,
    Http,
    Session,
    Sinks,
    Source,
    State,
    Time,
)
from config.occurrences import Cancel, Start
from config.payloads import Template
from config.privacy import Privacy
from config.scenario_checks import RuleNames
from config.scenario_events import events_of
from config.scenarios import (
    Expectation,
    ExpectedDecision,
    ExpectedFeature,
    ExpectedMembership,
    LoadedScenarios,
    Scenario,
    ScenarioEvent,
    load_scenarios,
)
from config.scopes import EVENT_SCOPE, event_and_customer, known_value, scope_of
from config.segment_order import in_order
from config.tree import Place
from config.triggers import Step, Trigger
from config.values import format_duration, parse_duration
from config.versions import definition, reach_ms, rule_version
from config.wording import suggestion

__all__ = [
    "EVENT_SCOPE",
    "SINK_TOPICS",
    "Attributes",
    "Cancel",
    "Collect",
    "Config",
    "ConfigError",
    "Consent",
    "Decaying",
    "Duplicates",
    "Epoch",
    "Expectation",
    "ExpectedDecision",
    "ExpectedFeature",
    "ExpectedMembership",
    "Feature",
    "Holdout",
    "Http",
    "Identity",
    "KafkaSecurity",
    "KafkaSink",
    "KafkaSource",
    "Limit",
    "Loaded",
    "LoadedScenarios",
    "Measure",
    "Model",
    "Place",
    "PredictingModel",
    "Privacy",
    "Problem",
    "Purposes",
    "QuietHours",
    "RuleNames",
    "Scenario",
    "ScenarioEvent",
    "Segment",
    "Session",
    "Sinks",
    "Source",
    "Start",
    "State",
    "Step",
    "Template",
    "Time",
    "Trigger",
    "Windowed",
    "changes_of",
    "config_schema",
    "definition",
    "event_and_customer",
    "events_of",
    "external_type",
    "format_duration",
    "in_order",
    "known_value",
    "load",
    "load_scenarios",
    "load_with_warnings",
    "parse_duration",
    "reach_ms",
    "rule_version",
    "scope_of",
    "suggestion",
]
