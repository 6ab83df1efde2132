"""What an insurer says of itself may repeat what it was sent: a code that is part of the application is not passed on."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import msgspec

from app.domain.application import Application
from app.domain.quote import Answer, NoOffer


def without_echo(answer: Answer, application: Application) -> Answer:
    """The answer, its reason without the insurer's code where that is a value of the application."""
    if not isinstance(answer, NoOffer) or answer.reason.insurer_code is None:
        return answer
    code = answer.reason.insurer_code.casefold()
    if code not in (value.casefold() for value in _texts(msgspec.to_builtins(application))):
        return answer
    return replace(answer, reason=replace(answer.reason, insurer_code=None))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("list[Any]", value):
            yield from _texts(inner)
