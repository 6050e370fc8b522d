"""A self-made certificate for the broker's TLS listener."""

from pathlib import Path

from broker.distribution import java_program, run_to_end
from broker.ports import HOST
from broker.settings import KeyStore

_WITHIN_S = 60.0


def make_certificate(folder: Path, password: str) -> tuple[KeyStore, Path]:
    """Make a key with a certificate that signs itself.

    Returns:
        The broker's key store, and the certificate for clients to trust (PEM).
    """
    keys, certificate = folder / "keys.p12", folder / "ca.pem"
    keytool = java_program("keytool")
    store = ["-keystore", str(keys), "-storepass", password, "-alias", "broker"]
    make = ["-genkeypair", "-storetype", "PKCS12", "-keyalg", "EC", "-groupname", "secp256r1"]
    names = ["-dname", "CN=localhost", "-ext", f"SAN=ip:{HOST},dns:localhost"]
    run_to_end([keytool, *make, "-validity", "3650", *names, *store], _WITHIN_S)
    run_to_end([keytool, "-exportcert", "-rfc", "-file", str(certificate), *store], _WITHIN_S)
    return KeyStore(keys, password), certificate
