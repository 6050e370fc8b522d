"""Keeps passwords out of the state folder: they go to the workers in their environment."""

import os

import msgspec

from connectors.inputs import Source
from connectors.kafka.client_settings import KafkaSecurity, KafkaSettings
from connectors.kafka.plans import KafkaTopic, TopicsOut
from connectors.sinks import SinkPlan
from flows.job import Job

_VARIABLE = "CARTWHEEL_SECRETS"


class _Secrets(msgspec.Struct, frozen=True):
    source: str | None
    sink: str | None


def without_secrets(job: Job) -> Job:
    """Return a job as it may be written down."""
    return _with(job, _Secrets(None, None))


def environment(job: Job) -> dict[str, str]:
    """Return what gives a worker the passwords of its job."""
    secrets = _Secrets(_password(job.source), _password(job.sink))
    return {_VARIABLE: msgspec.json.encode(secrets).decode()}


def with_secrets(job: Job) -> Job:
    """Return a job with the passwords that this process was given, if it was."""
    text = os.environ.get(_VARIABLE)
    return _with(job, msgspec.json.decode(text, type=_Secrets)) if text else job


def _password(place: Source | SinkPlan) -> str | None:
    if isinstance(place, KafkaTopic | TopicsOut) and place.settings.security is not None:
        return place.settings.security.password
    return None


def _with(job: Job, secrets: _Secrets) -> Job:
    source, sink = job.source, job.sink
    if isinstance(source, KafkaTopic):
        settings = _settings(source.settings, secrets.source)
        source = msgspec.structs.replace(source, settings=settings)
    if isinstance(sink, TopicsOut):
        sink = msgspec.structs.replace(sink, settings=_settings(sink.settings, secrets.sink))
    return msgspec.structs.replace(job, source=source, sink=sink)


def _settings(settings: KafkaSettings, password: str | None) -> KafkaSettings:
    if settings.security is None:
        return settings
    security: KafkaSecurity = msgspec.structs.replace(settings.security, password=password)
    return msgspec.structs.replace(settings, security=security)
