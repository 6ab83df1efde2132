"""A client comes back as late as the API asks for."""

import pytest
from support.refusals import fully_booked, watching
from support.until import until
from support.world import World
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from app.server.connect_admission import try_again_text
from cli.quote.reconnect import ASKED_S_MAX, RECONNECT_S, AskedLater, asked_s, reconnect_wait_s


def refused(retry_after: str | None) -> InvalidStatus:
    headers = Headers({"Retry-After": retry_after} if retry_after is not None else {})
    return InvalidStatus(Response(503, "Service Unavailable", headers, b""))


def closed(code: int, reason: str) -> ConnectionClosedError:
    return ConnectionClosedError(Close(code, reason), None)


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (refused("3"), 3.0),
        (refused("Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (refused("99999"), ASKED_S_MAX),
        (refused(None), None),
        (closed(1013, try_again_text(1.424)), 1.42),
        (closed(1013, "Slow consumer"), None),
        (ConnectionClosedError(None, None), None),
        (ConnectionRefusedError(), None),
        (AskedLater("later", 2.5), 2.5),
        (AskedLater("later", None), None),
    ],
)
def test_what_the_api_asks_for_is_the_least_that_a_client_waits(error: Exception, asked: float | None) -> None:
    """Without a readable `Retry-After` the client's own backoff holds; no wait is longer than half a minute."""
    assert asked_s(error) == asked
    assert (asked or RECONNECT_S) <= reconnect_wait_s(error) <= (asked or RECONNECT_S) + 0.5


async def test_the_terminal_comes_back_no_sooner_than_it_is_asked_to(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time that the API refuses it, by the moments of the API's own book."""
    async with fully_booked(world, monkeypatch) as (api, refusals):
        accepted = await world.accepted(api)
        async with watching(world.watched(api, accepted)):
            await until(lambda: len(refusals.at_s) == 2)
    assert refusals.gaps_s >= [refusals.asked_s]
