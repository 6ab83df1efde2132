"""Applications, purchase links and calls of insurers are encrypted: AES-256-GCM, a key id beside each, so that keys can rotate.

The request's id is authenticated with the ciphertext: a row copied under another id does not decrypt. Each purpose has
keys of its own, derived from the configured ones: what was sealed for one does not open for another, and the 2^32 seals
that random nonces allow a key (NIST SP 800-38D) are counted for each, `osago_seals_total`.
"""

import re
from base64 import b64decode, urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from os import urandom
from typing import Final, Self
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.config.key_derivation import KEY_BYTES, derived_key
from app.domain.errors import OsagoError, WrongSetting
from app.observability import metrics

APPLICATIONS: Final = "applications"
LINKS: Final = "links"
CALLBACKS: Final = "callbacks"
_NONCE_BYTES: Final = 12
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Undecryptable(OsagoError):
    """No known key opens it: the key was dropped too early, or the bytes were changed."""


class Sealed(msgspec.Struct, frozen=True):
    """A ciphertext (nonce first, tag last) and the id of the key that opens it."""

    key_id: str
    box: bytes

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The reverse of `str`.

        Raises:
            ValueError: it is no base64.
        """
        key_id, _, box = text.partition(".")
        # As `urlsafe_b64decode`, in a third of its time: more padding than is needed is left aside.
        return cls(key_id, a2b_base64(box.replace("-", "+").replace("_", "/") + "=="))

    @classmethod
    def from_bytes(cls, packed: bytes) -> Self:
        """The reverse of `bytes`."""
        key_id, _, box = packed.partition(b".")
        return cls(key_id.decode(), box)

    def __bytes__(self) -> bytes:
        return self.key_id.encode() + b"." + self.box

    def __str__(self) -> str:
        return f"{self.key_id}.{urlsafe_b64encode(self.box).decode().rstrip('=')}"


class Cipher:
    """The first key encrypts, all decrypt."""

    def __init__(self, keys: Mapping[str, bytes], purpose: str = APPLICATIONS) -> None:
        self._keys = keys
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.key_id = next(iter(self._ciphers))
        self._seals = metrics.SEALS.labels(purpose, self.key_id)

    def derived(self, purpose: str) -> "Cipher":
        """A cipher of the same key ids, with keys derived for this purpose alone."""
        return Cipher({key_id: derived_key(key, purpose) for key_id, key in self._keys.items()}, purpose)

    @classmethod
    def from_setting(cls, text: str) -> Self:
        """Reads the keys as `parse_keys` does."""
        return cls(parse_keys(text))

    def seal(self, request_id: UUID, document: bytes) -> Sealed:
        return self.seal_all([(request_id, document)])[0]

    def seal_all(self, documents: Sequence[tuple[UUID, bytes]]) -> list[Sealed]:
        """Each under its request's id; a batch is counted, and gets its nonces, in one go."""
        self._seals.inc(len(documents))
        encrypt, key_id = self._ciphers[self.key_id].encrypt, self.key_id
        random = urandom(_NONCE_BYTES * len(documents))
        nonces = [random[first : first + _NONCE_BYTES] for first in range(0, len(random), _NONCE_BYTES)]
        return [
            Sealed(key_id, nonce + encrypt(nonce, document, request_id.bytes))
            for nonce, (request_id, document) in zip(nonces, documents, strict=True)
        ]

    def open(self, request_id: UUID, sealed: Sealed) -> bytes:
        """The document that was sealed under this request's id.

        Raises:
            Undecryptable: the key is unknown, or the bytes are not what was sealed.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise Undecryptable(f"no key {sealed.key_id}")
        try:
            return cipher.decrypt(sealed.box[:_NONCE_BYTES], sealed.box[_NONCE_BYTES:], request_id.bytes)
        except InvalidTag as error:
            raise Undecryptable("not what was sealed") from error


def parse_keys(text: str) -> Mapping[str, bytes]:
    """Reads OSAGO_ENCRYPTION_KEYS, `id:base64,…`: keys of 32 bytes by their ids, in order.

    Raises:
        WrongSetting: there is no key, or a wrong one.
    """
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, encoded = entry.partition(":")
        try:
            key = b64decode(encoded, validate=True)
        except ValueError:  # binascii.Error is one
            key = b""
        if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES or key_id in keys:
            raise WrongSetting(
                f"OSAGO_ENCRYPTION_KEYS: key {len(keys) + 1} is not id:base64 of {KEY_BYTES} bytes, or repeats an id"
            )
        keys[key_id] = key
    if not keys:
        raise WrongSetting(
            "OSAGO_ENCRYPTION_KEYS: needed, as id:base64; "
            "`echo k1:$(openssl rand -base64 32)` makes one. Keep it: without it applications cannot be read"
        )
    return keys
