"""How kafka-python connects, and what its failures to do so mean."""

import logging
from collections.abc import Callable
from typing import Any

from kafka import errors as kafka_errors  # type: ignore[import-untyped, unused-ignore]

from connectors.errors import KafkaSettingsError
from connectors.kafka.client_diagnosis import unreachable
from connectors.kafka.client_settings import KafkaSettings

_RECONNECT_MAX_MS = 1000
"""A broker that is back is found within about this time."""


def connection_config(settings: KafkaSettings, timeout_s: float) -> dict[str, Any]:
    """Return what every client of kafka-python is made with."""
    config: dict[str, Any] = {
        "bootstrap_servers": settings.addresses,
        "bootstrap_timeout_ms": timeout_s * 1000,
        "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
    }
    security = settings.security
    if security is not None:
        config["security_protocol"] = security.protocol
        if security.sasl:
            config["sasl_mechanism"] = security.mechanism
            config["sasl_plain_username"] = security.username
            config["sasl_plain_password"] = security.password
        if security.tls:
            config["ssl_cafile"] = security.ca
            config["ssl_certfile"] = security.certificate
            config["ssl_keyfile"] = security.key
    return config


def connect(settings: KafkaSettings, make: Callable[[], Any]) -> Any:
    """Make a client, which connects; say what is wrong where that fails."""
    refusals = _Refusals()
    try:
        with refusals:
            return make()
    except kafka_errors.SaslAuthenticationFailedError as error:
        raise refused_login(settings) from error
    except (kafka_errors.UnsupportedSaslMechanismError, kafka_errors.IllegalSaslStateError) as e:
        raise KafkaSettingsError(
            f"security: {settings.brokers} does not take this protocol and mechanism ({e})"
        ) from e
    except kafka_errors.KafkaError as error:
        if refusals.heard:
            raise refused_login(settings) from error
        raise unreachable(settings, "connecting") from error


class _Refusals(logging.Handler):
    """Listens for refused logins, of which kafka-python tells nobody but its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard = False
        self._logger = logging.getLogger("kafka.net.manager")

    def __enter__(self) -> None:
        self._logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        said = record.args if isinstance(record.args, tuple) else ()
        self.heard |= any(
            isinstance(each, kafka_errors.SaslAuthenticationFailedError) for each in said
        )


def refused_login(settings: KafkaSettings) -> KafkaSettingsError:
    """Return the error for a user or password that the broker does not know."""
    user = settings.security.username if settings.security else None
    return KafkaSettingsError(
        f"username, password: {settings.brokers} refused them for user {user!r}"
    )
