"""The keys that tokens are checked with: secrets of the settings (HS256), and public keys of an identity provider (RS256)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.domain.errors import WrongSetting

SECRET_BYTES_MIN: Final = 32
RSA_BITS_MIN: Final = 2048
KEYS_MAX: Final = 64
OWN: Final = "HS256"
FOREIGN: Final = "RS256"
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class NoKey(Exception):
    """No known key has the id of this header."""


class Keyring:
    """Which key a token's header names. `OSAGO_AUTH_SECRET` is the key without an id."""

    def __init__(self, secret: str, keys: Mapping[str, str] | None = None) -> None:
        self._secrets: dict[str | None, str] = {}
        self._secrets.update(keys or {})
        if secret:
            self._secrets[None] = secret
        self._public: Mapping[str, RSAPublicKey] = {}
        # The first key with an id signs, as with the encryption keys; without any the secret does.
        self.signing_id = next(iter(self._secrets))

    @property
    def signing_secret(self) -> str:
        return self._secrets[self.signing_id]

    def learn(self, public: Mapping[str, RSAPublicKey]) -> bool:
        """Takes over the provider's keys as they are now; true if any has changed."""
        changed = {id_: key.public_numbers() for id_, key in public.items()} != {
            id_: key.public_numbers() for id_, key in self._public.items()
        }
        self._public = public
        return changed

    def key_for(self, header: Mapping[str, Any]) -> tuple[str | RSAPublicKey, str]:
        """The key and the one algorithm that it may be used with: a public key is never taken for a secret.

        Raises:
            NoKey: there is none.
        """
        key_id, algorithm = header.get("kid"), header.get("alg")
        if algorithm == OWN and (key_id is None or isinstance(key_id, str)) and key_id in self._secrets:
            return self._secrets[key_id], OWN
        if algorithm == FOREIGN and isinstance(key_id, str) and key_id in self._public:
            return self._public[key_id], FOREIGN
        raise NoKey


def parse_secrets(text: str) -> Mapping[str, str]:
    """Reads `id:secret,…`; the first signs, all are checked with.

    Raises:
        WrongSetting: an id or a secret is no good; the text repeats neither.
    """
    secrets: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, secret = entry.partition(":")
        if not _KEY_ID.fullmatch(key_id) or key_id in secrets or len(secret.encode()) < SECRET_BYTES_MIN:
            raise WrongSetting(
                f"OSAGO_AUTH_KEYS: key {len(secrets) + 1} is not id:key of at least {SECRET_BYTES_MIN} bytes, "
                "or repeats an id"
            )
        secrets[key_id] = secret
    return secrets


def key_set(document: object) -> Sequence[jwt.PyJWK]:
    """The keys of a JSON Web Key Set that can be read.

    Raises:
        ValueError: the document is none.
    """
    keys: object = cast("dict[str, Any]", document).get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("no JSON Web Key Set")  # noqa: TRY004 - as for any other document that is none
    return [key for key in map(_key, cast("list[Any]", keys)) if key]


def _key(member: Any) -> jwt.PyJWK | None:
    try:
        return jwt.PyJWK(member)
    except Exception:  # noqa: BLE001 - PyJWT does not look at the types of members: an odd key costs itself alone
        return None


def usable_keys(keys: Iterable[jwt.PyJWK]) -> Mapping[str, RSAPublicKey]:
    """The RS256 keys of a set; weak, private and nameless ones and those of other kinds are left out.

    Raises:
        ValueError: there is none.
    """
    usable = dict(filter(None, map(_usable, keys)))
    if not usable:
        raise ValueError("no RS256 key with a kid")
    return dict(islice(usable.items(), KEYS_MAX))


def _usable(key: jwt.PyJWK) -> tuple[str, RSAPublicKey] | None:
    public: object = key.key
    if (
        not (isinstance(key.key_id, str) and key.key_id)
        or key.public_key_use not in (None, "sig")
        or key.algorithm_name != FOREIGN
    ):
        return None
    return (key.key_id, public) if isinstance(public, RSAPublicKey) and public.key_size >= RSA_BITS_MIN else None
