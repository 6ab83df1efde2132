"""Insurers that call back: where they may call, and how what they say finds the worker that waits for it.

The address holds a token, sealed and so signed with the encryption keys, that names one request and one insurer. What is
called with lies in Redis, sealed too, until a worker reads it; the API does not look into it. Without Redis nothing is kept:
the insurer hears 503, and is polled.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.domain.errors import NotFound
from app.domain.ids import made_at
from app.domain.insurer_call import Call
from app.postgres.cipher import Cipher, Sealed, Undecryptable
from app.redis import keys
from app.redis.job_streams import expiry_ms
from app.redis.lua_scripts import CALL_BACK
from app.redis.redis_client import Client
from app.runtime.clock import Clock

PATH: Final = "/callbacks"
CALL_BYTES_MOST: Final = 64 * 1024
CALLS_KEPT: Final = 8
TOKEN_LENGTH_MOST: Final = 256
_PURPOSE: Final = b"callback:"


class _Kept(msgspec.Struct, array_like=True):
    headers: dict[str, str]
    body: bytes


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Kept)


class Callbacks:
    """Calls of insurers, from the API that takes them to the worker that reads them."""

    def __init__(
        self, cipher: Cipher, client: Client, clock: Clock, *, shards: int, public_url: str, deadline_s: float
    ) -> None:
        self._cipher = cipher
        self._client = client
        self._clock = clock
        self._shards = shards
        self._base = public_url.rstrip("/") + PATH
        self._deadline = timedelta(seconds=deadline_s)

    def url(self, idempotency_key: str) -> str:
        """Where the insurer of this application may call."""
        request_id, _, insurer_id = idempotency_key.partition(":")
        return f"{self._base}/{self.token(UUID(request_id), insurer_id)}"

    def token(self, request_id: UUID, insurer_id: str) -> str:
        return f"{request_id.hex}.{_text(self._cipher.seal(request_id, _PURPOSE + insurer_id.encode()))}"

    async def take(self, token: str, call: Call) -> None:
        """Keeps a call for the worker that waits for it, and wakes it.

        Raises:
            NotFound: the token is none of ours, or nobody waits any more.
            redis.RedisError: Redis is not there.
        """
        request_id, insurer_id = self._opened(token)
        shard = keys.shard_of(request_id, self._shards)
        kept = _text(self._cipher.seal(request_id, _encoder.encode(_Kept(dict(call.headers), call.body))))
        expires_ms = expiry_ms(made_at(request_id) + self._deadline)
        await CALL_BACK.run(
            self._client,
            [keys.callbacks(shard, request_id, insurer_id)],
            [kept, CALLS_KEPT, expires_ms, keys.called(shard), str(request_id)],
        )

    async def heard(self, request_id: UUID, insurer_id: str) -> Mapping[str, Call]:
        """What this insurer has called with about this request, the oldest first, by a name that never changes.

        Raises:
            redis.RedisError: Redis is not there.
        """
        shard = keys.shard_of(request_id, self._shards)
        texts = await self._client.lrange(keys.callbacks(shard, request_id, insurer_id), 0, -1)
        return {text: self._read(request_id, text) for text in texts}

    def _read(self, request_id: UUID, text: str) -> Call:
        kept = _decoder.decode(self._cipher.open(request_id, _sealed(text)))
        return Call(kept.headers, kept.body)

    def _opened(self, token: str) -> tuple[UUID, str]:
        named, _, text = token.partition(".")
        try:
            request_id = UUID(hex=named)
            if len(token) > TOKEN_LENGTH_MOST or made_at(request_id) + self._deadline < self._clock.now():
                raise NotFound
            told = self._cipher.open(request_id, _sealed(text))
        except (ValueError, Undecryptable) as error:
            raise NotFound from error
        if not told.startswith(_PURPOSE):
            raise NotFound
        return request_id, told.removeprefix(_PURPOSE).decode()


def _text(sealed: Sealed) -> str:
    return f"{sealed.key_id}.{urlsafe_b64encode(sealed.box).decode().rstrip('=')}"


def _sealed(text: str) -> Sealed:
    key_id, _, box = text.partition(".")
    return Sealed(key_id, urlsafe_b64decode(box + "=" * (-len(box) % 4)))
