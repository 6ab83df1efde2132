"""Pushes events to customers' WebSockets, by user: reads the queue that `osago bridge --to activemq` writes.

    PORT=8300 ACTIVEMQ=127.0.0.1:61613 OSAGO_URL=http://127.0.0.1:8000/graphql OSAGO_TOKEN=… USER_SECRET=… \
        python examples/user_notification.py

A client opens ws://…, sends `{"token": "<JWT>"}` first (HS256 with USER_SECRET, `aud` user-notification, `sub` the customerId that your
service gave createQuoteRequest), and then gets each event of its own requests, the last minutes' included. Events hold no customer:
the API says which customer a request is of. An event that comes again has the same id, and is pushed once.
"""

import asyncio
import json
import os
import signal
import time
from collections import OrderedDict, defaultdict, deque
from typing import Any

import httpx
import jwt
import stomp
from stomp.exception import StompException
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

HOST, _, BROKER_PORT = os.environ.get("ACTIVEMQ", "127.0.0.1:61613").rpartition(":")
QUEUE = os.environ.get("QUEUE", "/queue/osago.quote-events")
API, TOKEN = os.environ.get("OSAGO_URL", "http://127.0.0.1:8000/graphql"), os.environ.get("OSAGO_TOKEN", "")
SECRET = os.environ.get("USER_SECRET", "")
LOGIN_S_MAX, SEND_S_MAX, KEPT_S, RETRY_S = 5.0, 2.0, 180.0, 1.0
SEEN_MAX, REQUESTS_MAX, KEPT_MAX, SOCKETS_MAX = 50_000, 50_000, 500, 20
NOT_AUTHENTICATED, TOO_MANY, SLOW = 4401, 4429, 1013


class Users:
    """Sockets and the last events of each user."""

    def __init__(self) -> None:
        self.sockets: dict[str, set[ServerConnection]] = defaultdict(set)
        self._kept: OrderedDict[str, deque[tuple[float, str]]] = OrderedDict()

    async def connect(self, socket: ServerConnection) -> None:
        """One socket, from its token to its end."""
        try:
            async with asyncio.timeout(LOGIN_S_MAX):
                user = user_of_token(json.loads(await socket.recv())["token"])
        except (TimeoutError, ValueError, KeyError, TypeError, jwt.InvalidTokenError):
            await socket.close(NOT_AUTHENTICATED, "a token first")
            return
        except ConnectionClosed:
            return
        if len(self.sockets[user]) >= SOCKETS_MAX:
            await socket.close(TOO_MANY, "too many sockets")
            return
        self.sockets[user].add(socket)
        try:
            for _, text in list(self._kept.get(user, ())):
                await send(socket, text)
            async for _ in socket:  # what a client says later means nothing
                pass
        except ConnectionClosed:
            pass
        finally:
            self.sockets[user].discard(socket)
            if not self.sockets[user]:
                del self.sockets[user]

    async def push(self, user: str, text: str) -> None:
        """To all sockets of the user, and kept for those that come soon."""
        now = time.monotonic()
        kept = self._kept.setdefault(user, deque(maxlen=KEPT_MAX))
        kept.append((now, text))
        self._kept.move_to_end(user)
        while self._kept and next(iter(self._kept.values()))[-1][0] < now - KEPT_S:
            self._kept.popitem(last=False)
        await asyncio.gather(*(send(socket, text) for socket in list(self.sockets.get(user, ()))))


async def send(socket: ServerConnection, text: str) -> None:
    """A client that takes nothing is closed: it comes again, and gets what was kept."""
    try:
        async with asyncio.timeout(SEND_S_MAX):
            await socket.send(text)
    except TimeoutError:
        socket.transport.abort()
    except ConnectionClosed:
        pass


def user_of_token(token: str) -> str:
    options: Any = {"require": ["exp", "sub", "aud"]}
    return str(jwt.decode(token, SECRET, algorithms=["HS256"], audience="user-notification", options=options)["sub"])


class Requests:
    """Which user a request is of, as the aggregator's API says it; a service sees its own requests alone."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._users: OrderedDict[str, str | None] = OrderedDict()

    async def user_of(self, request_id: str) -> str | None:
        if request_id not in self._users:
            query = "query ($id: ID!) { quoteRequest(id: $id) { customerId } }"
            body = {"query": query, "variables": {"id": request_id}}
            answer = await self._http.post(API, json=body, headers={"Authorization": f"Bearer {TOKEN}"})
            answer.raise_for_status()
            found = answer.json()["data"]["quoteRequest"]
            self._users[request_id] = found and found["customerId"]
            if len(self._users) > REQUESTS_MAX:
                self._users.popitem(last=False)
        return self._users[request_id]


class Inbox(stomp.ConnectionListener):
    """Messages of one connection to the broker, handed from stomp.py's thread to the event loop; None: it is gone."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.frames: asyncio.Queue[Any] = asyncio.Queue()

    def on_message(self, frame: Any) -> None:
        self._loop.call_soon_threadsafe(self.frames.put_nowait, frame)

    def on_disconnected(self) -> None:
        self._loop.call_soon_threadsafe(self.frames.put_nowait, None)


async def read_queue(users: Users, requests: Requests) -> None:
    """Until the connection breaks. A message is acknowledged once it is pushed; one that fails comes again."""
    inbox = Inbox()
    connection: Any = stomp.Connection12([(HOST, int(BROKER_PORT))], reconnect_attempts_max=1)
    connection.set_listener("inbox", inbox)
    await asyncio.to_thread(connection.connect, wait=True)
    headers = {"activemq.prefetchSize": "100"}
    connection.subscribe(QUEUE, id="1", ack="client-individual", headers=headers)
    try:
        while (frame := await inbox.frames.get()) is not None:
            await handle(frame.body, users, requests)
            connection.ack(frame.headers["ack"])
    finally:
        connection.transport.disconnect_socket()


seen: OrderedDict[str, None] = OrderedDict()


async def handle(text: str, users: Users, requests: Requests) -> None:
    event = json.loads(text)
    if event["id"] not in seen:
        if user := await requests.user_of(event["subject"]):
            await users.push(user, text)
        seen[event["id"]] = None
        if len(seen) > SEEN_MAX:
            seen.popitem(last=False)


async def main() -> None:
    users, stopping = Users(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    async def read() -> None:
        async with httpx.AsyncClient(timeout=5) as http:
            while True:
                try:
                    await read_queue(users, Requests(http))
                except (httpx.HTTPError, OSError, StompException, LookupError) as error:
                    print(f"waits: {type(error).__name__}", flush=True)
                await asyncio.sleep(RETRY_S)

    async with serve(users.connect, "127.0.0.1", int(os.environ.get("PORT", "8300")), max_size=4096, compression=None):
        reading = asyncio.create_task(read())
        await stopping.wait()
        reading.cancel()


if len(SECRET.encode()) < 32:  # noqa: PLR2004
    raise SystemExit("USER_SECRET: at least 32 bytes; your service signs users' tokens with it")
asyncio.run(main())
