"""The example of a service behind ActiveMQ: each customer's socket gets that customer's events."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from support.brokers import activemq_server, broker
from support.receiver import bridged
from support.world import ApiAtHand, SettlerAtHand, World
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from sandbox.demo.servers import free_port

PROGRAM = Path(__file__).parents[2] / "examples/user_notification.py"
INSURERS = ("sever", "volga")
SECRET = "a secret of user-notification and of core-app alone"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers(*INSURERS)
    return await world.api()


def token(user: str, *, secret: str = SECRET, seconds: float = 60) -> str:
    claims = {"sub": user, "aud": "user-notification", "exp": time.time() + seconds}
    return json.dumps({"token": jwt.encode(claims, secret, algorithm="HS256")})


async def events(socket: Any, count: int) -> list[dict[str, Any]]:
    return [json.loads(await socket.recv()) for _ in range(count)]


async def test_each_user_gets_the_events_of_that_user(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """The events come in order, the end last; another user's socket gets none of them; a bad token closes the socket."""
    async with activemq_server(world.folder / "activemq") as server:
        port = free_port()
        environment = {
            "PORT": str(port),
            "ACTIVEMQ": f"127.0.0.1:{server.port}",
            "OSAGO_URL": api.graphql,
            "OSAGO_TOKEN": api.token,
            "USER_SECRET": SECRET,
        }
        table = f'[activemq]\nservers = ["127.0.0.1:{server.port}"]\n'
        url = f"ws://127.0.0.1:{port}"
        async with (
            broker(world.folder / "notification", [sys.executable, PROGRAM], port, environment),
            bridged(world, table, "activemq"),
            connect(url) as anna,
            connect(url) as boris,
        ):
            await anna.send(token("anna"))
            await boris.send(token("boris"))
            for user, socket in (("anna", anna), ("boris", boris)):
                request = await world.accepted(api, customerId=user)
                await settler.settle(request, *INSURERS)
                # The first that boris gets is his own, though anna's came before.
                got = await events(socket, 3)
                assert {event["subject"] for event in got} == {request["quoteRequest"]["id"]}
                assert {event["data"].get("insurer") for event in got[:2]} == set(INSURERS)
                assert got[2]["type"] == "osago.end.v1"
            async with connect(url) as late:
                await late.send(token("anna"))
                assert [event["type"] for event in await events(late, 3)][-1] == "osago.end.v1"
            for wrong in (token("anna", secret="x" * 32), token("anna", seconds=-1), "{}", "[]"):
                async with connect(url) as stranger:
                    await stranger.send(wrong)
                    with pytest.raises(ConnectionClosed) as closed:
                        await stranger.recv()
                    assert closed.value.rcvd is not None
                    assert closed.value.rcvd.code == 4401


def test_it_does_not_start_without_a_secret() -> None:
    """It exits with one line that says so."""
    environment = {**os.environ, "USER_SECRET": "short"}
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("USER_SECRET: ")
