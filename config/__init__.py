"""What a user may write in the config file: the models, and loading with positions.

Everything outside this package uses the names below and none of its modules.
"""

from config.errors import ConfigError, Problem
from config.kafka import KafkaSecurity, KafkaSink, KafkaSource
from config.kafka_values import SINK_TOPICS
from config.loading import load
from config.models import (
    Collect,
    Config,
    Count,
    Distinct,
    Duplicates,
    Epoch,
    First,
    Http,
    Last,
    Max,
    Min,
    Session,
    Sinks,
    Source,
    State,
    Sum,
    Time,
    Trigger,
)
from config.values import format_duration, parse_duration
from config.versions import definition, rule_version

__all__ = [
    "SINK_TOPICS",
    "Collect",
    "Config",
    "ConfigError",
    "Count",
    "Distinct",
    "Duplicates",
    "Epoch",
    "First",
    "Http",
    "KafkaSecurity",
    "KafkaSink",
    "KafkaSource",
    "Last",
    "Max",
    "Min",
    "Problem",
    "Session",
    "Sinks",
    "Source",
    "State",
    "Sum",
    "Time",
    "Trigger",
    "definition",
    "format_duration",
    "load",
    "parse_duration",
    "rule_version",
]
