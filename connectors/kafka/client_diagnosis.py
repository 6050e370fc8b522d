"""Finds out why no broker answers, so that the error says more than "timed out"."""

import socket
import ssl

from connectors.errors import BrokerUnreachableError, KafkaProblem, KafkaSettingsError
from connectors.kafka.client_settings import KafkaSettings, tls_context

_WITHIN_S = 2.0


def unreachable(settings: KafkaSettings, doing: str) -> KafkaProblem:
    """Return the error for brokers that do not answer, after looking at each once more.

    Args:
        settings: with which it was tried.
        doing: what was wanted of them.

    Returns:
        A KafkaSettingsError where the TLS settings are the reason, else BrokerUnreachableError.
    """
    found = []
    for address in settings.addresses:
        host, _, port = address.rpartition(":")
        try:
            found.append(f"{address}: {_look(settings, host.strip('[]'), int(port))}")
        except ssl.SSLCertVerificationError as error:
            return KafkaSettingsError(
                f"ca: the certificate of {address} is not trusted ({error.verify_message});"
                " name the file with the certificate that signed it"
            )
        except ssl.SSLError as error:
            return KafkaSettingsError(
                f"security: TLS with {address} failed ({error.reason}); is this the listener"
                " with TLS, and are certificate and key those that it trusts?"
            )
        except OSError as error:
            found.append(f"{address}: {error.strerror or error}")
    return BrokerUnreachableError(f"{doing}: no broker answered ({'; '.join(found)})")


def _look(settings: KafkaSettings, host: str, port: int) -> str:
    """Connect as a client would, and say how far that goes."""
    security = settings.security
    hint = "; it may refuse user and password" if security is not None and security.sasl else ""
    with socket.create_connection((host, port), _WITHIN_S) as connection:
        if security is None or not security.tls:
            return f"takes connections, but gives no answer{hint}"
        context = tls_context(security)
        with context.wrap_socket(connection, server_hostname=host):
            return f"takes connections and speaks TLS, but gives no answer{hint}"
