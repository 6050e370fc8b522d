"""Names customers by a hash that only whoever has the state's key can compare with a name.

So are fields of events that nobody is to see.
"""

import os
import re
import secrets
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile

from state.errors import StateError

KEY_FILE = "privacy.key"
_KEY_BYTES = 32
_DIGEST_BYTES = 16
_SEAL_BYTES = 4
_FIELD_HASH = re.compile(r"[0-9a-f]{40}")


def read_key(folder: Path) -> bytes | None:
    """Return the key of a state, None where it has none yet.

    Raises:
        StateError: it is damaged.
    """
    path = folder / KEY_FILE
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _KEY_BYTES:
        raise StateError(f"{path} is damaged; restore the state from a backup")
    return key


def make_key(folder: Path) -> bytes:
    """Return the key of a state, which is made where there is none; several may ask at a time.

    Raises:
        StateError: it is damaged.
    """
    key = read_key(folder)
    if key is not None:
        return key
    _put(folder, secrets.token_bytes(_KEY_BYTES))
    return make_key(folder)


def share_key(folder: Path, other: Path) -> None:
    """Give another folder the key of a state, before it has one of its own.

    Raises:
        StateError: the key is damaged.
    """
    key = make_key(folder)
    other.mkdir(parents=True, exist_ok=True)
    _put(other, key)


def _put(folder: Path, key: bytes) -> None:
    """Write a key, whole or not at all; one that is there stays."""
    with NamedTemporaryFile(
        dir=folder, prefix=f"{KEY_FILE}."
    ) as file:  # which the owner alone reads
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, folder / KEY_FILE)


def keyed_hash(key: bytes, name: str) -> str:
    """Return the hash of a name: 128 bits of keyed BLAKE2b (RFC 7693), in hex."""
    return blake2b(name.encode(), key=key, digest_size=_DIGEST_BYTES).hexdigest()


def field_hash(key: bytes, text: str) -> str:
    """Return what stands in the place of a text that is to be hashed: 40 hex digits.

    128 bits are the hash, 32 more say that it is one, so that what was hashed by this key stays as
    it is: an event may come a second time as it was written down.
    """
    if _is_field_hash(key, text):
        return text
    digest = blake2b(text.encode(), key=key, digest_size=_DIGEST_BYTES, person=b"field").digest()
    return (digest + _seal(key, digest)).hex()


def whole_hash(key: bytes, sha256: str) -> str:
    """Return the keyed hash of something of which the SHA-256 is known, both in hex."""
    return blake2b(bytes.fromhex(sha256), key=key, digest_size=32, person=b"whole").hexdigest()


def _is_field_hash(key: bytes, text: str) -> bool:
    if not _FIELD_HASH.fullmatch(text):
        return False
    both = bytes.fromhex(text)
    digest = both[:_DIGEST_BYTES]
    return both[_DIGEST_BYTES:] == _seal(key, digest)


def _seal(key: bytes, digest: bytes) -> bytes:
    return blake2b(digest, key=key, digest_size=_SEAL_BYTES, person=b"seal").digest()
