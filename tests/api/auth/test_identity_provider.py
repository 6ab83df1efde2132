"""Tokens of an identity provider: its keys come from where it publishes them, and are followed when they rotate."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs
from support.until import until
from support.world import ApiAtHand, World

from app.api.auth.jwks import BYTES_MAX
from app.api.auth.tokens import Tokens
from app.runtime.clock import Clock
from app.server.serve import listen, serve_here

INSURERS = "{ insurers { id } }"
ISSUER = "https://idp.example/realms/shop"


ODD_KEYS: Final[list[object]] = [
    {"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": ["x"]},
    {"kty": "RSA", "n": 1, "e": None},
    {"kty": "oct", "alg": "none"},
    {"kty": "oct", "kid": "hs"},
    {"kty": ["RSA"]},
    {},
    7,
    None,
    "x",
]


class Provider:
    """Publishes the keys that it signs with."""

    def __init__(self) -> None:
        self.url = ""
        self.is_down = False
        self.instead: Response | None = None
        self.odd: list[object] = []
        self._keys: dict[str, rsa.RSAPrivateKey] = {}

    def add(self, key_id: str) -> None:
        self._keys[key_id] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def drop(self, key_id: str) -> rsa.RSAPrivateKey:
        return self._keys.pop(key_id)

    def token(self, key_id: str, *, scope: str = "quotes:read", key: rsa.RSAPrivateKey | None = None) -> str:
        claims = {"iss": ISSUER, "sub": "core-app", "aud": "osago", "exp": int(time.time()) + 3600, "scope": scope}
        return jwt.encode(claims, key or self._keys[key_id], algorithm="RS256", headers={"kid": key_id})

    async def answer(self, _request: Request) -> Response:
        if self.is_down:
            return Response(status_code=503)
        if self.instead:
            return self.instead
        keys: list[dict[str, Any]] = [
            {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": id_, "use": "sig"}
            for id_, key in self._keys.items()
        ]
        return JSONResponse({"keys": [*self.odd, *keys]})


@asynccontextmanager
async def provided() -> AsyncGenerator[Provider, None]:
    provider, listening = Provider(), listen("127.0.0.1", 0)
    async with serve_here(Starlette(routes=[Route("/keys", provider.answer)]), listening):
        provider.url = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        yield provider


@pytest.mark.parametrize(
    "instead",
    [
        Response(b" " * (BYTES_MAX + 1)),
        Response(status_code=302, headers={"Location": "/keys?elsewhere"}),
        Response(b"["),
        Response(b"[" * 10_000),
        JSONResponse([]),
        JSONResponse({"keys": []}),
        JSONResponse({"keys": ODD_KEYS}),
        JSONResponse({"keys": {"kty": "RSA"}}),
    ],
    ids=[
        "too large",
        "redirect",
        "no JSON",
        "deep",
        "no object",
        "no keys",
        "odd keys",
        "no list",
    ],
)
async def test_an_answer_that_is_no_key_set_changes_nothing(instead: Response) -> None:
    """Bytes without an end and another address among them: the keys read before hold."""
    async with provided() as provider:
        provider.add("2026-01")
        tokens = Tokens("s" * 40, Clock(), watch_ttl_s=60, jwks=provider.url)
        assert tokens.jwks
        await tokens.jwks.refresh()
        provider.instead = instead
        with capture_logs() as logs:
            await tokens.jwks.refresh()
        assert [entry["event"] for entry in logs] == ["jwks.unreadable"]
        assert tokens.caller(provider.token("2026-01"))


@pytest.mark.parametrize("odd", ODD_KEYS, ids=str)
async def test_an_odd_key_costs_itself_alone(odd: object) -> None:
    """Rotation goes on beside it."""
    async with provided() as provider:
        tokens = Tokens("s" * 40, Clock(), watch_ttl_s=60, jwks=provider.url)
        assert tokens.jwks
        provider.odd = [odd]
        provider.add("2026-01")
        await tokens.jwks.refresh()
        assert tokens.caller(provider.token("2026-01"))


async def is_good(api: ApiAtHand, token: str) -> bool:
    return (await api.post(INSURERS, token=token)).status_code == 200


async def test_its_tokens_hold_and_its_keys_are_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown key is looked up at once; one that is gone opens nothing; while the provider is down all stays as it was."""
    monkeypatch.setattr("app.api.auth.jwks.APART_S", 0.01)
    world.write_insurers("sever")
    async with provided() as provider:
        provider.add("2026-01")
        world.set(jwks=provider.url, jwks_issuer=ISSUER)
        api = await world.api()
        first = provider.token("2026-01")
        await until(lambda: is_good(api, first))
        provider.add("2026-02")
        second = provider.token("2026-02")
        await until(lambda: is_good(api, second))
        provider.is_down = True
        assert not await is_good(api, provider.token("2026-03", key=rsa.generate_private_key(65537, 2048)))
        assert await is_good(api, first)
        provider.is_down = False
        provider.drop("2026-01")

        async def is_gone() -> bool:
            await is_good(
                api, provider.token("2026-04", key=rsa.generate_private_key(65537, 2048))
            )  # has the keys read
            return not await is_good(api, first)

        await until(is_gone)
        assert await is_good(api, second)
