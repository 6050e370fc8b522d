"""Looks at the topics of a job before anything is started for it."""

from collections.abc import Sequence

from connectors.errors import BrokerUnreachableError, TopicMissingError
from connectors.kafka.client_admin import create_topics, topics_of
from connectors.kafka.plans import COMMITS, KafkaTopic, TopicsOut

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


def prepare_topics(plan: TopicsOut, kinds: Sequence[str]) -> None:
    """Check that the topics are there, and create them if that is wanted.

    Raises:
        TopicMissingError: some are not there and are not to be created.
        KafkaProblem: the brokers cannot be asked, or refuse.
    """
    known = topics_of(plan.settings)
    kinds = [*kinds, COMMITS] if plan.delivery == "exact" else kinds
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
