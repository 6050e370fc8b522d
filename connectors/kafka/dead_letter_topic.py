"""Reads a topic of dead letters, and sends some of them back to the topic that they came from."""

from collections.abc import Iterable, Iterator

from connectors.dead_letters import PREFIX
from connectors.errors import KafkaProblem
from connectors.kafka.client_interface import TIMEOUT_S
from connectors.kafka.client_settings import KafkaSettings
from connectors.kafka.clients import make_producer
from connectors.kafka.whole_topics import read_whole
from connectors.kept_letters import RESENT, KeptLetter
from operators.lines import Headers
from operators.outputs import Original
from operators.rejections import Partition, Place, Rejection

_CONFIRM_EVERY = 1000


def read_letters(
    settings: KafkaSettings, topic: str, *, timeout_s: float = TIMEOUT_S
) -> Iterator[KeptLetter]:
    """Read all dead letters of a topic up to where it ends at the call.

    Those of one partition come in their order. Records that do not say where they stood and why
    they were rejected are passed over: they are not this engine's.

    Args:
        settings: which brokers and which library.
        topic: with the dead letters.
        timeout_s: how long the broker may go without sending anything.

    Raises:
        BrokerUnreachableError: no broker answered.
        KafkaProblem: there is no such topic, or it may not be read.
    """
    for records in read_whole(settings, topic, timeout_s=timeout_s):
        for key, value, headers in zip(records.keys, records.values, records.headers, strict=True):
            letter = _letter(Original(key, value, headers))
            if letter is not None:
                yield letter


def send_to_topic(settings: KafkaSettings, topic: str, letters: Iterable[KeptLetter]) -> int:
    """Send dead letters with their own key, value and headers to the partitions they came from.

    Args:
        settings: which brokers and which library.
        topic: that they came from.
        letters: which; those of one partition are sent in their order.

    Returns:
        How many there were; all are confirmed.

    Raises:
        KafkaProblem: not all could be sent; it says how many were.
    """
    count = confirmed = 0
    producer = make_producer(settings, transactional_id=None)
    try:
        for letter in letters:
            origin, original = letter.place.origin, letter.original
            assert isinstance(origin, Partition), "it came from the topic"
            headers = _without_errors(original.headers, letter.position)
            producer.send(topic, original.key, original.value, headers, origin.number)
            count += 1
            if count % _CONFIRM_EVERY == 0:
                producer.flush()
                confirmed = count
        producer.flush()
    except KafkaProblem as error:
        raise KafkaProblem(
            f"{error}; {confirmed} dead letters were sent before, of {count - confirmed} more it"
            " is not known"
        ) from error
    finally:
        producer.close()
    return count


def _letter(record: Original) -> KeptLetter | None:
    """Read what a dead letter's headers say; None where they do not say enough."""
    told = {
        name.removeprefix(PREFIX): (value or b"").decode(errors="replace")
        for name, value in record.headers
        if name.startswith(PREFIX)
    }
    try:
        offset = int(told["offset"])
        if "topic" in told:
            place = Place(Partition(told["topic"], int(told["partition"])), 0, offset)
        else:
            place = Place(told["file"], int(told["line"]), offset)
        rejection = Rejection(
            told["stage"],
            told["exception.message"],
            told.get("field", ""),
            int(told["length"]) if "length" in told else None,
            told.get("sha256"),
        )
    except (KeyError, ValueError):
        return None
    return KeptLetter(place, rejection, record)


def _without_errors(headers: Headers, position: str) -> Headers:
    """Return the headers as they came, and one that says that the record was sent again."""
    own = [each for each in headers if each[0] != RESENT and not each[0].startswith(PREFIX)]
    return (*own, (RESENT, position.encode()))
