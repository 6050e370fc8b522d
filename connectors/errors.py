"""What may be wrong with what is read or written: files, and Kafka."""


class ConnectorProblem(Exception):  # noqa: N818 (a problem of the neighbour, not of the program)
    """Something cannot be read or written; the message names it and says what to do."""


class FileProblem(ConnectorProblem):
    """A file cannot be read or written; the message names it and says what to do."""


class SourceProblem(ConnectorProblem):
    """A state is given other input than it has read before."""


class TruncatedFile(FileProblem):
    """A compressed file ends too early; it may still be being written."""


class KafkaProblem(ConnectorProblem):
    """Something is wrong with Kafka or how it is reached; the message says what to do."""


class KafkaSettingsError(KafkaProblem):
    """A setting is wrong (credentials, certificate, a missing library); the message names it."""


class BrokerUnreachableError(KafkaProblem):
    """No broker answered in time. Nothing was committed; the same may be tried again."""


class TopicMissingError(KafkaProblem):
    """The topic, or a partition of it, does not exist."""


class OffsetGoneError(KafkaProblem):
    """The broker no longer has the offset that was asked for.

    Attributes:
        topic: that is read.
        partition: of the topic.
        wanted: the offset to read next.
        first: the first one that the broker has.
        end: the one that the broker gives to the next record.
    """

    def __init__(self, topic: str, partition: int, wanted: int, first: int, end: int) -> None:
        super().__init__(
            f"topic {topic}, partition {partition}: offset {wanted} is to be read next, but the"
            f" broker has {first} to {end}; records were deleted (look at the topic's retention)"
            " or the topic was made anew"
        )
        self.topic = topic
        self.partition = partition
        self.wanted = wanted
        self.first = first
        self.end = end


class RecordUnreadableError(KafkaProblem):
    """A fetched record is damaged, or of a form that the client cannot read."""


class SendRefusedError(KafkaProblem):
    """The broker refused a record, or did not confirm it in time; it may be missing."""


class FencedError(KafkaProblem):
    """This producer may write no more, by no fault of its own perhaps.

    Another has taken over its transactional id, or the broker has given up its transaction.
    """


class TakenOverError(FencedError):
    """Another run sends what this one was to send; this one must not go on."""


class AmbiguousCommitError(KafkaProblem):
    """It is unknown whether the transaction took place; a new producer is needed to find out."""
