"""Turns a config's source and sinks into a job for the long-lived worker."""

from pathlib import Path
from typing import cast

import msgspec

import config.kafka as kafka_config
from cartwheel.errors import CartwheelError, UsageError
from cartwheel.inputs import expand
from cartwheel.opening import TICK_LINES
from config import Config, KafkaSource
from connectors.attributes import AttributesError, ColumnType, CustomersFile
from connectors.followed import FollowedFiles
from connectors.importing.errors import MappingError
from connectors.inputs import Source
from connectors.kafka.client_settings import KafkaSecurity, KafkaSettings
from connectors.kafka.mapped_records import checked_text
from connectors.kafka.plans import KafkaTopic, TopicsOut
from connectors.replay import RecordedFiles
from connectors.sinks import FilesOut, SinkPlan
from flows.attributes import prepare_attributes
from flows.job import Job, Options, compile_job
from operators.plans import ALWAYS_LIVE
from state.errors import StateError
from state.folder import Identity, StateFolder


def check(config: Config) -> None:
    """Check that a config says where events come from, by a good mapping, and where results go.

    Raises:
        UsageError: it does not.
    """
    if config.source is None:
        raise UsageError("the config has no source: say source.files or source.kafka")
    if config.sinks is None:
        raise UsageError("the config has no sinks: say sinks.files or sinks.kafka")
    if config.source.kafka is not None:
        _mapping(config.source.kafka)


def readers(config: Config) -> int:
    """Return how many readers a new state has."""
    assert config.source is not None, "checked before"
    return config.source.kafka.readers if config.source.kafka else 1


def live_job(config: Config, identity: Identity, folder: StateFolder, *, workers: int) -> Job:
    """Compile a config into what the long-lived worker does.

    Raises:
        UsageError: the config does not fit the state, or says too little.
    """
    check(config)
    if config.name != identity.name:
        raise UsageError(
            f"the state belongs to the config {identity.name!r}, not to {config.name!r}"
        )
    assert config.source is not None, "checked before"
    live_from_ms = ALWAYS_LIVE
    if config.source.kafka is not None:
        asked = config.source.kafka.live_from_ms
        live_from_ms = identity.now_ms if asked is None else asked
    return compile_job(
        config,
        Options(
            source=_source(config, identity.readers),
            sink=_sink(config, identity, folder),
            shards=identity.shards,
            readers=identity.readers,
            workers=workers,
            tick_lines=TICK_LINES,
            now_ms=identity.now_ms,
            live_from_ms=live_from_ms,
        ),
    )


def with_attributes(job: Job, config: Config, folder: StateFolder) -> Job:
    """Give a job the config's file of customers, where its rules look at it.

    Raises:
        UsageError: with all that is wrong with the file.
        CartwheelError: the state cannot be written.
    """
    if not job.decide.attributes:
        return job
    file = customers_file(config)
    assert file, "rules look at attributes only where there are some"
    try:
        attributes = prepare_attributes(folder, file, job.route.shards, job.compression)
    except AttributesError as error:
        raise UsageError(str(error)) from None
    except StateError as error:
        raise CartwheelError(str(error)) from None
    return msgspec.structs.replace(job, attributes=attributes)


def customers_file(config: Config) -> CustomersFile | None:
    """Return the config's file of customers, if it has one."""
    attributes = config.attributes
    if attributes is None:
        return None
    columns = {name: cast("ColumnType", kind) for name, kind in attributes.columns.items()}
    return CustomersFile(attributes.file, attributes.customer, columns)


def check_change(old: Job, new: Job) -> None:
    """Check that a changed config reads from where the old one did, and writes to the like.

    Raises:
        UsageError: it does not.
    """
    topics = [
        source.topic if isinstance(source, KafkaTopic) else ""
        for source in (old.source, new.source)
    ]
    if type(old.source) is not type(new.source) or topics[0] != topics[1]:
        raise UsageError("the source is another one; that takes a new state")
    if type(old.sink) is not type(new.sink) or (
        isinstance(old.sink, FilesOut) and old.sink != new.sink
    ):
        raise UsageError("results go elsewhere; that takes a restart")


def source_settings(kafka: KafkaSource) -> KafkaSettings:
    """Return how the source's brokers are reached."""
    return KafkaSettings(kafka.brokers, kafka.client, _security(kafka.security))


def sink_settings(config: Config) -> KafkaSettings:
    """Return how the brokers of ``sinks.kafka``, which must be there, are reached."""
    security = _security(config.sink_security)
    return KafkaSettings(config.sink_brokers, config.sink_client, security)


def _source(config: Config, readers: int) -> Source:
    source = config.source
    assert source is not None, "checked before"
    kafka = source.kafka
    if kafka is not None:
        return KafkaTopic(
            settings=source_settings(kafka),
            topic=kafka.topic,
            group=config.source_group,
            readers=readers,
            start=kafka.start,
            accepts_gaps=kafka.on_gap == "accept",
            mapping=_mapping(kafka),
        )
    patterns = list(source.files or ())
    if source.follow:
        return FollowedFiles(patterns)
    names = [str(file) for file in expand(patterns)]
    return RecordedFiles([names[reader::readers] for reader in range(readers)], source.order)


def _sink(config: Config, identity: Identity, folder: StateFolder) -> SinkPlan:
    sinks = config.sinks
    assert sinks is not None, "checked before"
    kafka = sinks.kafka
    if kafka is None:
        assert sinks.files is not None, "a config has one of them"
        return FilesOut(sinks.files)
    return TopicsOut(
        settings=sink_settings(config),
        prefix=config.sink_prefix,
        delivery=kafka.delivery,
        compression=kafka.compression,
        create=kafka.create,
        partitions=kafka.partitions,
        state=identity.id,
        outbox=str(folder.path / "outbox"),
    )


def _mapping(kafka: KafkaSource) -> str:
    """Return the text of the source's mapping after checking it, empty where there is none.

    Raises:
        UsageError: it cannot be read, or is wrong.
    """
    try:
        return checked_text(Path(kafka.map)) if kafka.map else ""
    except MappingError as error:
        raise UsageError(str(error)) from None


def _security(security: kafka_config.KafkaSecurity | None) -> KafkaSecurity | None:
    if security is None:
        return None
    password = security.password
    return KafkaSecurity(
        protocol=security.protocol,
        mechanism=security.mechanism or "SCRAM-SHA-512",
        username=security.username,
        password=None if password is None else password.get_secret_value(),
        ca=security.ca,
        certificate=security.certificate,
        key=security.key,
    )
