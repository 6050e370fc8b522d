"""Looks at the topics of a job before anything is started for it."""

from collections.abc import Container, Sequence
from pathlib import Path

import msgspec

from connectors.errors import BrokerUnreachableError, TopicMissingError
from connectors.kafka.client_admin import compacted_of, create_topics, topics_of
from connectors.kafka.outbox import kinds_waiting
from connectors.kafka.plans import COMMITS, KafkaTopic, TopicsOut
from operators.erasing import CUSTOMERS, KEYED

_SOURCE_WITHIN_S = 3.0


def check_topic(source: KafkaTopic) -> None:
    """Check that the topic is there, before anything is started for it.

    Brokers that are away are waited for later.

    Raises:
        TopicMissingError: it is not.
        KafkaProblem: the brokers refuse to answer.
    """
    try:
        topics = topics_of(source.settings, timeout_s=_SOURCE_WITHIN_S)
    except BrokerUnreachableError:
        return
    if source.topic not in topics:
        raise TopicMissingError(
            f"{source.settings.brokers} has no topic {source.topic}, which events are to come from;"
            " create it, or name another"
        )


def prepare_topics(plan: TopicsOut, kinds: Sequence[str]) -> TopicsOut:
    """Check that the topics are there, and create them if that is wanted.

    Returns:
        The plan, which knows then which of them are compacted, where customers may be forgotten.

    Raises:
        TopicMissingError: some are not there and are not to be created.
        KafkaProblem: the brokers cannot be asked, or refuse.
    """
    known = topics_of(plan.settings)
    waiting = kinds_waiting(Path(plan.outbox))
    kinds = list(dict.fromkeys([*kinds, *([CUSTOMERS] if CUSTOMERS in waiting else [])]))
    _create_missing(
        plan, [*kinds, COMMITS] if plan.delivery == "exact" or waiting else kinds, known
    )
    if CUSTOMERS not in kinds:
        return plan
    keyed = {plan.prefix + kind: kind for kind in kinds if kind in KEYED}
    compacted = compacted_of(plan.settings, list(keyed))
    return msgspec.structs.replace(plan, compacted=tuple(keyed[name] for name in compacted))


def _create_missing(plan: TopicsOut, kinds: Sequence[str], known: Container[str]) -> None:
    missing = [name for name in (plan.prefix + kind for kind in kinds) if name not in known]
    if not missing:
        return
    if not plan.create:
        raise TopicMissingError(
            f"{plan.settings.brokers} has no topic {', '.join(missing)}; create what is missing,"
            " or let the config say sinks.kafka.create: true"
        )
    commits = plan.prefix + COMMITS
    create_topics(
        plan.settings,
        {
            name: (1, {"cleanup.policy": "compact"}) if name == commits else (plan.partitions, {})
            for name in missing
        },
    )
