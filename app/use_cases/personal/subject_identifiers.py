"""Identifiers of people and customers: a MAC of what makes them one, with a key that PostgreSQL keeps sealed.

A record of destruction names people by them. Without the key they cannot be guessed from a list of names and days of birth.
"""

import hmac
from os import urandom
from typing import Final
from uuid import UUID

import structlog

from app.postgres.cipher import Cipher, Undecryptable
from app.postgres.database import Pool, connected, reading
from app.postgres.personal.subject_key_rows import (
    delete_subject_key,
    insert_subject_key,
    read_subject_key,
    reseal_subject_key,
)

log: Final = structlog.get_logger(__name__)

SUBJECTS: Final = "subjects"
"""The purpose of the keys that seal it."""
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 16
_PLACE: Final = UUID(int=0)


class SubjectIdentifiers:
    """Makes identifiers: 32 hexadecimal digits each."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of_person(self, identity: str) -> str:
        """`identity` is that of a `DataSubject`."""
        return self._identifier(f"person\n{identity}")

    def of_customer(self, customer_id: str) -> str:
        """The same for every calling service."""
        return self._identifier(f"customer\n{customer_id}")

    def _identifier(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256")[:_ID_BYTES].hex()


class SubjectKeys:
    """The key of identifiers: made when it is needed first, and read anew for each run."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher.derived(SUBJECTS)

    async def current(self) -> SubjectIdentifiers | None:
        """None where no known key opens it; records of destruction then have no identifiers.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        async with reading(self._pool) as connection:
            sealed = await read_subject_key(connection)
        if sealed is None:
            async with connected(self._pool) as connection:
                await insert_subject_key(connection, self._cipher.seal(_PLACE, urandom(_KEY_BYTES)))
                sealed = await read_subject_key(connection)
        try:
            return SubjectIdentifiers(self._cipher.open(_PLACE, sealed)) if sealed else None
        except Undecryptable as error:
            log.warning("subjects.unidentified", error=str(error))
            return None

    async def rotate(self) -> bool:
        """Seals it with the first key; whether it could be opened.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        async with connected(self._pool) as connection:
            sealed = await read_subject_key(connection)
            if sealed is None or sealed.key_id == self._cipher.key_id:
                return True
            try:
                key = self._cipher.open(_PLACE, sealed)
            except Undecryptable:
                return False
            await reseal_subject_key(connection, self._cipher.seal(_PLACE, key), sealed.key_id)
            return True

    async def drop(self, key_id: str) -> None:
        """Destroys it where this key has sealed it: identifiers are made with another one from then on.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        async with connected(self._pool) as connection:
            await delete_subject_key(connection, key_id)
