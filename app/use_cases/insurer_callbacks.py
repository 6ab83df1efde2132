"""Insurers that call back: where they may call, and how what they say finds the worker that waits for it.

The address holds a token, sealed with a key of its own purpose, that names one request, one insurer, and what the adapter
wants of a call (`CallbackRule`); so the API knows no adapter. What is called with lies in Redis, sealed too, until a worker
reads it: no more than a few small calls of a job, and no more than a share of memory of an insurer. Without Redis nothing
is kept: the insurer gets 503, and is polled.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog

from app.domain.errors import NotFound, Overloaded, WrongSetting
from app.domain.ids import made_at
from app.domain.insurer_call import CallbackRule, InsurerCall
from app.observability.tracing.spans import NO_SPAN, Attributes, SpanRole, current_wire, working_in
from app.observability.tracing.trace_context import read_wire
from app.observability.tracing.tracing import Tracing
from app.postgres.cipher import CALLBACKS, Cipher, Sealed, Undecryptable
from app.redis import keys
from app.redis.lua_scripts import CALL_BACK
from app.redis.redis_client import RedisClient
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle

log: Final = structlog.get_logger(__name__)

PATH: Final = "/callbacks"
CALL_BYTES_MAX: Final = 8 * 1024
"""The bytes of one call, its headers included: an offer is 2 KiB."""
CALLS_KEPT: Final = 8
"""The newest calls of one job are kept."""
INSURER_BYTES_MAX: Final = 32 * 1024 * 1024
"""The bytes of one insurer and shard, within the time of one request."""
TOKEN_LENGTH_MAX: Final = 512
_PURPOSE: Final = "callback"
_ROUTE: Final[Attributes] = {"http.request.method": "POST", "http.route": f"{PATH}/{{token}}"}


class BadSignature(Exception):
    """The insurer signs, and this is none of its signatures."""


class TooMuch(Exception):
    """The call is larger than what is kept of one."""


class _Address(msgspec.Struct, array_like=True):
    purpose: str
    insurer_id: str
    headers: tuple[str, ...]
    signature: str
    trace: str = ""
    """The span of the job that gave the address away; releases before this one have none, and leave it aside."""


class _Kept(msgspec.Struct, array_like=True):
    headers: dict[str, str]
    body: bytes
    trace: str = ""
    """The span of the call."""


_encoder: Final = msgspec.msgpack.Encoder()
_address_decoder: Final = msgspec.msgpack.Decoder(_Address)
_kept_decoder: Final = msgspec.msgpack.Decoder(_Kept)


class InsurerCallbacks:
    """Calls of insurers, from the API that takes them to the worker that reads them."""

    def __init__(
        self,
        cipher: Cipher,
        client: RedisClient,
        clock: Clock,
        secret_of: Callable[[str], str],
        *,
        shards: int,
        public_url: str,
        deadline_s: float,
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing
        self._cipher = cipher.derived(CALLBACKS)
        self._client = client
        self._clock = clock
        self._secret_of = secret_of
        self._shards = shards
        self._base = public_url.rstrip("/") + PATH
        self._deadline = timedelta(seconds=deadline_s)
        self._rules: dict[str, CallbackRule] = {}
        self._complaints = LogThrottle(clock)

    def declare(self, insurer_id: str, rule: CallbackRule) -> None:
        """Has addresses of this insurer say from now on what its adapter wants of a call."""
        self._rules[insurer_id] = rule

    def url(self, idempotency_key: str) -> str:
        """The address at which the insurer of this application may call."""
        request_id, _, insurer_id = idempotency_key.partition(":")
        return f"{self._base}/{self.token(UUID(request_id), insurer_id)}"

    def token(self, request_id: UUID, insurer_id: str) -> str:
        rule = self._rules.get(insurer_id, CallbackRule())
        address = _Address(_PURPOSE, insurer_id, rule.headers, rule.signature, current_wire())
        return f"{request_id.hex}.{self._cipher.seal(request_id, _encoder.encode(address))}"

    async def take(self, token: str, call: InsurerCall) -> None:
        """Keeps of a call what its adapter reads, for the worker that waits for it, and wakes it.

        Raises:
            NotFound: the token was not made here, or no job waits any more.
            BadSignature: the insurer signs its calls, and this one is not signed by it.
            TooMuch: it is larger than a call may be.
            Overloaded: the insurer has its share of memory, or its secret is not known here.
            RedisAway: Redis is not there.
        """
        request_id, address = self._opened(token)
        with self._taking(request_id, address):
            await self._take(request_id, address, call)

    def _taking(self, request_id: UUID, address: _Address) -> AbstractContextManager[object]:
        """A span of the call, within the trace of the job that waits for it."""
        parent = read_wire(address.trace) if self._tracing else None
        if parent is None or self._tracing is None:
            return NO_SPAN
        attributes = {**_ROUTE, "osago.request_id": str(request_id), "osago.insurer": address.insurer_id}
        return working_in(self._tracing.tracer.start(f"POST {PATH}", SpanRole.SERVER, parent, attributes))

    async def _take(self, request_id: UUID, address: _Address, call: InsurerCall) -> None:
        if address.signature:
            self._check(address, call)
        headers = {name: value for name in address.headers if (value := call.header(name))}
        kept = _encoder.encode(_Kept(headers, call.body, current_wire()))
        if len(kept) > CALL_BYTES_MAX:
            raise TooMuch
        shard = keys.shard_of(request_id, self._shards)
        names = [keys.callbacks(shard, request_id, address.insurer_id), keys.callback_bytes(shard, address.insurer_id)]
        lasts_ms = int(self._deadline.total_seconds() * 1000)
        ends_ms = int((made_at(request_id) + self._deadline).timestamp() * 1000)
        sealed = bytes(self._cipher.seal(request_id, kept))
        bounds = (CALLS_KEPT, ends_ms, INSURER_BYTES_MAX, lasts_ms)
        if not await CALL_BACK.run(self._client, names, [sealed, *bounds, keys.called(shard), str(request_id)]):
            raise Overloaded("this insurer has called with as much as is kept of it")

    async def heard(self, request_id: UUID, insurer_id: str) -> Mapping[str, InsurerCall]:
        """The calls of this insurer about this request, the oldest first, by a name that never changes.

        One that cannot be read is left out: it is as if it had not come, and the insurer is polled.

        Raises:
            RedisAway: Redis is not there.
        """
        key = keys.callbacks(keys.shard_of(request_id, self._shards), request_id, insurer_id)
        found: list[bytes] = await self._client.execute_command("LRANGE", key, 0, -1, NEVER_DECODE=True)
        calls = {hashlib.blake2b(sealed).hexdigest(): self._read(request_id, insurer_id, sealed) for sealed in found}
        return {name: call for name, call in calls.items() if call is not None}

    def _read(self, request_id: UUID, insurer_id: str, sealed: bytes) -> InsurerCall | None:
        try:
            kept = _kept_decoder.decode(self._cipher.open(request_id, Sealed.from_bytes(sealed)))
        except (ValueError, Undecryptable, msgspec.MsgspecError) as error:
            if self._complaints.is_due:
                log.warning("callback.unreadable", insurer=insurer_id, error=type(error).__name__)
            return None
        return InsurerCall(kept.headers, kept.body, trace=kept.trace)

    def _check(self, address: _Address, call: InsurerCall) -> None:
        try:
            secret = self._secret_of(address.insurer_id)
        except WrongSetting as error:
            if self._complaints.is_due:
                log.warning("callback.without_secret", insurer=address.insurer_id)
            raise Overloaded("the insurer's signature cannot be checked") from error
        if not is_signed(secret.encode(), call.body, call.header(address.signature)):
            raise BadSignature

    def _opened(self, token: str) -> tuple[UUID, _Address]:
        named, _, text = token.partition(".")
        try:
            request_id = UUID(hex=named)
            if len(token) > TOKEN_LENGTH_MAX or made_at(request_id) < self._clock.now() - self._deadline:
                raise NotFound
            address = _address_decoder.decode(self._cipher.open(request_id, Sealed.from_text(text)))
        except (ValueError, Undecryptable, msgspec.MsgspecError) as error:
            raise NotFound from error
        if address.purpose != _PURPOSE:
            raise NotFound
        return request_id, address


def is_signed(secret: bytes, body: bytes, signature: str) -> bool:
    """Whether it is the HMAC-SHA256 of the body, in hex, with or without `sha256=` before it."""
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.removeprefix("sha256=").lower().encode())
