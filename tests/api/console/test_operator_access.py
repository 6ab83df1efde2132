"""The console lets in an operator's own page, and nothing else."""

from datetime import timedelta

import pytest
from support.console import ACT, LOOK, browser, operator, own_page, sign_in
from support.plain_http import plain_http
from support.world import SECRET, ApiAtHand, World

from app.api.auth.tokens import OPERATOR_SESSION_TTL, Tokens
from app.api.console.operator_access import COOKIE, SIGN_INS_PER_ADDRESS
from app.runtime.clock import Clock


class LaterClock(Clock):
    """A clock ahead of the others."""

    def __init__(self, by: timedelta) -> None:
        super().__init__()
        self._offset_s += by.total_seconds()


def session_of(scope: str, *, clock: Clock | None = None, secret: str = SECRET) -> str:
    """A session as an API with this clock and this key makes it."""
    tokens = Tokens(secret, clock or Clock(), watch_ttl_s=60)
    return tokens.operator_session("night-shift", frozenset(scope.split()))


async def reads(api: ApiAtHand, session: str, **headers: str) -> int:
    """The status of a look with this cookie."""
    async with browser(api) as http:
        answer = await http.get("api/session", headers={"Cookie": f"{COOKIE}={session}", **headers})
    return answer.status_code


async def test_a_service_token_is_exchanged_for_a_cookie_that_scripts_cannot_read(world: World) -> None:
    """It holds for eight hours, on the console's path, and no other site sends it."""
    world.write_insurers("sever")
    api = await world.api()
    async with browser(api) as http:
        answer = await sign_in(http, api, world.token("night-shift", LOOK))
        cookie = answer.headers["set-cookie"].split("; ")[1:]
        assert cookie == ["Path=/operator", "Max-Age=28800", "HttpOnly", "SameSite=Strict"]
        assert answer.json()["scopes"] == ["operator"]
        assert (await http.get("api/snapshot")).status_code == 200


async def test_every_process_with_the_key_knows_the_cookie(world: World) -> None:
    """A restart of the API, or another of its processes, ends no session."""
    world.write_insurers("sever")
    first, second = await world.api(), await world.api()
    async with operator(world, first) as http:
        answer = await http.get(f"{second.url}/operator/api/session", headers=own_page(second))
        assert answer.status_code == 200


@pytest.mark.parametrize("scope", ["quotes:write quotes:read", "admin", "operator:act", "operators"])
async def test_a_token_without_the_scope_opens_nothing(world: World, scope: str) -> None:
    """The scope of an administrator is another one."""
    world.write_insurers("sever")
    api = await world.api()
    async with browser(api) as http:
        assert (await sign_in(http, api, world.token("core-app", scope))).status_code == 403
        assert (await http.get("api/snapshot")).status_code == 401


async def test_tokens_of_others_open_nothing(world: World) -> None:
    """Another key's, a browser's, one that is over, and what is no token."""
    world.write_insurers("sever")
    api = await world.api()
    own, foreign = Tokens(SECRET, Clock(), watch_ttl_s=60), Tokens("x" * 40, Clock(), watch_ttl_s=60)
    lasting = timedelta(minutes=1)
    async with browser(api) as http:
        for token in (
            foreign.service_token("night-shift", LOOK, lasting),
            own.customer_token("night-shift", "operator")[0],
            own.service_token("night-shift", LOOK, -lasting),
            session_of(LOOK),
            "",
            "x" * 5000,
        ):
            assert (await sign_in(http, api, token)).status_code in {401, 403}
        assert COOKIE not in http.cookies


async def test_only_a_session_of_ours_that_still_holds_is_one(world: World) -> None:
    """A service token is none, and neither is one of another key or of eight hours ago."""
    world.write_insurers("sever")
    api = await world.api()
    assert await reads(api, session_of(LOOK)) == 200
    assert await reads(api, session_of(LOOK, clock=LaterClock(-OPERATOR_SESSION_TTL))) == 401
    assert await reads(api, session_of(LOOK, secret="another key, long enough to sign with")) == 401
    assert await reads(api, session_of(ACT.removeprefix(LOOK))) == 403
    assert await reads(api, world.token("night-shift", LOOK)) == 401
    assert await reads(api, "") == 401


async def test_the_cookie_is_no_bearer(world: World) -> None:
    """What a browser holds of the console opens neither GraphQL nor REST."""
    world.write_insurers("sever")
    api = await world.api()
    session = session_of("operator operator:act quotes:read quotes:write")
    answer = await api.post("{ insurers { id } }", token=session)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    async with plain_http() as http:
        cookie = {"Cookie": f"{COOKIE}={session}"}
        found = await http.get(f"{api.url}/osago/quotes/00000000-0000-7000-8000-000000000000", headers=cookie)
    assert found.status_code == 401


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda sent: "-".join(*sent.items()),
)
async def test_a_page_of_another_origin_can_do_nothing(world: World, sent: dict[str, str]) -> None:
    """The cookie does not help it, nor does an origin that may call GraphQL."""
    world.set(origins="*")
    world.write_insurers("sever")
    api = await world.api()
    async with operator(world, api, ACT) as http:
        for method, path in (("GET", "snapshot"), ("GET", "events"), ("GET", "session"), ("DELETE", "session")):
            answer = await http.request(method, f"api/{path}", headers=sent)
            assert answer.status_code == 403, path
            assert "access-control-allow-credentials" not in answer.headers
        assert (await sign_in(http, api, world.token("x", LOOK), own_page(api) | sent)).status_code == 403


@pytest.mark.parametrize("missing", ["Origin", "X-Osago-Console"])
async def test_a_change_needs_an_origin_and_our_header(world: World, missing: str) -> None:
    """A form of another page can send neither our header nor hide where it stands."""
    world.write_insurers("sever")
    api = await world.api()
    headers = {name: value for name, value in own_page(api).items() if name != missing}
    async with plain_http(base_url=f"{api.url}/operator") as http:
        assert (await sign_in(http, api, world.token("x", LOOK), headers)).status_code == 403
        cookie = {"Cookie": f"{COOKIE}={session_of(ACT)}"}
        assert (await http.delete("api/session", headers=headers | cookie)).status_code == 403


async def test_signing_out_takes_the_cookie_away(world: World) -> None:
    """The page has nothing to look at any more."""
    world.write_insurers("sever")
    api = await world.api()
    async with operator(world, api) as http:
        assert (await http.delete("api/session")).status_code == 200
        assert (await http.get("api/snapshot")).status_code == 401


async def test_attempts_to_sign_in_are_limited(world: World) -> None:
    """The limit is by address; the refusal says when to come again."""
    world.write_insurers("sever")
    api = await world.api()
    async with browser(api) as http:
        for _ in range(SIGN_INS_PER_ADDRESS.count):
            assert (await sign_in(http, api, "guess")).status_code == 401
        answer = await sign_in(http, api, world.token("night-shift", LOOK))
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1


async def test_events_end_with_the_session(world: World) -> None:
    """The page that is left open overnight shows nothing more in the morning."""
    world.write_insurers("sever")
    api = await world.api()
    clock = LaterClock(timedelta(seconds=1.5) - OPERATOR_SESSION_TTL)
    async with browser(api) as http:
        headers = {"Cookie": f"{COOKIE}={session_of(LOOK, clock=clock)}"}
        async with http.stream("GET", "api/events", headers=headers) as answer:
            text = (await answer.aread()).decode()
    assert text.startswith("retry: 2000\n\nevent: snapshot\ndata: {")
    assert text.endswith("event: signed-out\ndata:\n\n")


async def test_the_page_needs_nothing_from_elsewhere_and_no_inline_script(world: World) -> None:
    """Its policy allows none, and no page may frame it."""
    world.write_insurers("sever")
    api = await world.api()
    async with browser(api) as http:
        page = await http.get("")
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<style" not in page.text
        assert page.text.count("<script") == page.text.count('<script type="module" src="/operator/static/')


async def test_the_console_can_be_switched_off(world: World) -> None:
    """The page and its JSON are not found then."""
    world.set(operator_console="off")
    world.write_insurers("sever")
    api = await world.api()
    async with browser(api) as http:
        assert (await http.get("")).status_code == 404
        assert (await sign_in(http, api, world.token("x", LOOK))).status_code == 404
