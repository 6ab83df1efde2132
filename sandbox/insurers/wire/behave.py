"""Lets an insurer behave: the answer that would have come, and what a behaviour makes of it on the wire."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.replies import Reply, encode, refused
from sandbox.insurers.script.behaviours import (
    Behaviour,
    BrokenConnection,
    CallBack,
    Decline,
    Delay,
    Garbage,
    Hang,
    HugeBody,
    Offer,
    Processing,
    SlowBody,
    Status,
    WrongShape,
)
from sandbox.insurers.wire.dialects.dialect import Dialect

_GARBAGE: Final = "<html><body><h1>Технические работы</h1></body></html>".encode()
_PADDING: Final = b" " * 64 * 1024
_STRANGE: Final[dict[int, Any]] = {
    200: {"status": "approved", "result": {"price": 5432.1}},
    202: {"id": 17},
}


def refusal_at_the_door(behaviour: Behaviour | None, dialect: Dialect) -> Reply | None:
    """The answer to a create that takes nothing in: a 4xx. After anything else the application is with the insurer,
    although the caller may never learn of it.
    """
    match behaviour:
        case Decline():
            return dialect.refused(refused(behaviour))
        case Status(status=status) if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _error(behaviour, dialect)
        case _:
            return None


async def act(behaviour: Behaviour | None, reply: Reply, call: Call, dialect: Dialect) -> None:
    """Answers the call; `reply` is what would have come without the behaviour."""
    match behaviour:
        case None | Offer() | Decline() | Processing() | CallBack():
            await call.reply(reply)
        case Delay(seconds=seconds):
            if await call.wait(seconds):
                await call.reply(reply)
        case Status():
            await call.reply(_error(behaviour, dialect))
        case Garbage(text=text):
            await call.reply(Reply(reply.status, _GARBAGE if text is None else text.encode()))
        case WrongShape(body=body):
            await call.reply(Reply(reply.status, encode(_STRANGE.get(reply.status, {}) if body is None else body)))
        case Hang() | HugeBody() | BrokenConnection() | SlowBody():
            await _spoil(behaviour, reply, call)


async def _spoil(behaviour: Hang | HugeBody | BrokenConnection | SlowBody, reply: Reply, call: Call) -> None:
    """The answer is the right one; its way to the caller is not."""
    match behaviour:
        case Hang():
            await call.hang()
        case HugeBody(size_bytes=size_bytes):
            await _send_behind_padding(reply, size_bytes, call)
        case BrokenConnection(when="before"):
            await call.break_off()
        case BrokenConnection():
            await call.break_off_after(reply, reply.body[: len(reply.body) // 2])
        case SlowBody(seconds=seconds, drips=drips):
            await _drip(reply, seconds, drips, call)


async def _send_behind_padding(reply: Reply, size_bytes: int, call: Call) -> None:
    with call.lingering():
        await call.start(reply, length=None)
        for sent in range(0, size_bytes, len(_PADDING)):
            await call.push(_PADDING[: size_bytes - sent])
        await call.push(reply.body, more=False)


async def _drip(reply: Reply, seconds: float, drips: int, call: Call) -> None:
    """The first drip at once, the last one after so many seconds."""
    await call.start(reply, length=len(reply.body))
    size = max(1, -(-len(reply.body) // drips))
    parts = [reply.body[begin : begin + size] for begin in range(0, len(reply.body), size)]
    for index, part in enumerate(parts):
        if index and not await call.wait(seconds / max(1, len(parts) - 1)):
            return
        await call.push(part, more=index < len(parts) - 1)


def _error(behaviour: Status, dialect: Dialect) -> Reply:
    retry_after = behaviour.retry_after
    reply = dialect.error(behaviour.status, "SCRIPTED", None if retry_after is None else str(retry_after))
    if behaviour.sent_as is None or not dialect.errors_in_bodies:
        return reply
    return replace(reply, status=behaviour.sent_as)
