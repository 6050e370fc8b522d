"""What a user may write in the config file: the models, and loading with positions.

Everything outside this package uses the names below and none of its modules.
"""

from config.errors import ConfigError, Problem
from config.features import Attributes, Decaying, Feature, Segment, Windowed
from config.json_schema import config_schema
from config.kafka import KafkaSecurity, KafkaSink, KafkaSource
from config.kafka_values import SINK_TOPICS
from config.loading import Loaded, load, load_with_warnings
from config.measures import Collect, Measure
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
    Trigger,
)
from config.scopes import EVENT_SCOPE, known_value, scope_of
from config.segment_order import in_order
from config.values import format_duration, parse_duration
from config.versions import definition, reach_ms, rule_version

__all__ = [
    "EVENT_SCOPE",
    "SINK_TOPICS",
    "Attributes",
    "Collect",
    "Config",
    "ConfigError",
    "Decaying",
    "Duplicates",
    "Epoch",
    "Feature",
    "Http",
    "KafkaSecurity",
    "KafkaSink",
    "KafkaSource",
    "Loaded",
    "Measure",
    "Problem",
    "Segment",
    "Session",
    "Sinks",
    "Source",
    "State",
    "Time",
    "Trigger",
    "Windowed",
    "config_schema",
    "definition",
    "format_duration",
    "in_order",
    "known_value",
    "load",
    "load_with_warnings",
    "parse_duration",
    "reach_ms",
    "rule_version",
    "scope_of",
]
