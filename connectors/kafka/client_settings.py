"""How brokers are reached: addresses, TLS, user and password; the same for both clients."""

import ssl
from pathlib import Path
from typing import Literal

import msgspec

from connectors.errors import KafkaSettingsError

ClientName = Literal["kafka-python", "librdkafka"]
Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class KafkaSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection is protected and who the client says it is.

    Attributes:
        protocol: TLS where it says SSL, user and password where it says SASL.
        mechanism: how the password is shown to be known.
        username: with SASL.
        password: with SASL; never shown.
        ca: file (PEM) with the certificates to trust; None for those of the system.
        certificate: file (PEM) that shows who the client is, where the broker asks for it.
        key: file (PEM) with the certificate's private key.
    """

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        if self.password is not None:
            shown["password"] = "***"  # noqa: S105 (that is none)
        return f"KafkaSecurity({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.protocol.endswith("SSL")

    @property
    def sasl(self) -> bool:
        """Whether the client has to give a user and a password."""
        return self.protocol.startswith("SASL")


class KafkaSettings(msgspec.Struct, frozen=True):
    """Which brokers, by which client library.

    Attributes:
        brokers: comma-separated host:port.
        client: the library.
        security: None for plain connections.
    """

    brokers: str
    client: ClientName = "kafka-python"
    security: KafkaSecurity | None = None

    @property
    def addresses(self) -> list[str]:
        """The brokers' addresses, one by one."""
        return [address.strip() for address in self.brokers.split(",") if address.strip()]


def check_settings(settings: KafkaSettings) -> None:
    """Look at what can be wrong before any broker is asked.

    Raises:
        KafkaSettingsError: names the setting.
    """
    if not settings.addresses:
        raise KafkaSettingsError("brokers: is empty; write host:port, several with commas")
    for address in settings.addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise KafkaSettingsError(f"brokers: {address!r} is not host:port")
    security = settings.security
    if security is None:
        return
    if security.sasl and not (security.username and security.password):
        missing = "password" if security.username else "username"
        raise KafkaSettingsError(f"{missing}: is needed with protocol {security.protocol}")
    if security.tls:
        tls_context(security)


def tls_context(security: KafkaSecurity) -> ssl.SSLContext:
    """Return what the files say about whom to trust and who we are.

    Raises:
        KafkaSettingsError: a file cannot be read, or is not what it should be.
    """
    for setting in ("ca", "certificate", "key"):
        path = getattr(security, setting)
        if path is not None and not Path(path).is_file():
            raise KafkaSettingsError(f"{setting}: there is no file {path}")
    try:
        context = ssl.create_default_context(cafile=security.ca)
    except (ssl.SSLError, OSError) as error:
        raise KafkaSettingsError(
            f"ca: {security.ca} is not a readable certificate in PEM form ({error})"
        ) from error
    if security.certificate is not None:
        try:
            context.load_cert_chain(security.certificate, security.key)
        except (ssl.SSLError, OSError) as error:
            raise KafkaSettingsError(
                f"certificate, key: {security.certificate} and {security.key or 'no key'} are not"
                f" a certificate and its private key in PEM form ({error})"
            ) from error
    return context
