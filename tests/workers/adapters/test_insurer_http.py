"""Calls to insurers on the wire: TLS checked both ways, proxies, connections used again, and a limit on every wait and size."""

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority
from support.wire import OK, Insurer, listening

from app.config.insurers_file import InsurerSettings, WrongInsurer
from app.domain.errors import InsurerBusy, InsurerCredentials, InsurerError, InsurerProtocol, InsurerUnavailable
from app.runtime.clock import Clock
from workers.adapters.transport.insurer_http import BODY_BYTES_MAX, InsurerHttp


@asynccontextmanager
async def http_to(base_url: str, **more: Any) -> AsyncGenerator[InsurerHttp, None]:
    http = InsurerHttp(settings(base_url, **more), Clock())
    try:
        yield http
    finally:
        await http.close()


def settings(base_url: str = "https://localhost", **more: Any) -> InsurerSettings:
    wire = {"id": "sever", "name": "Север", "adapter": "rest-poll", "base_url": base_url, **more}
    return InsurerSettings.model_validate(wire)


async def why(sending: Any) -> BaseException:
    """The cause below the failure."""
    with pytest.raises(InsurerUnavailable) as failure:
        await sending
    assert failure.value.__cause__ is not None
    return failure.value.__cause__


async def test_a_connection_is_used_again() -> None:
    """A handshake for each poll would cost more than the poll."""
    async with listening(Insurer()) as insurer, http_to(f"http://127.0.0.1:{insurer.port}/api") as http:
        for _ in range(5):
            assert (await http.send("GET", "applications/1")).body == b"ok"
        assert (insurer.connections, len(insurer.requests)) == (1, 5)
        assert insurer.requests[0].startswith(b"GET /api/applications/1 HTTP/1.1\r\n")


async def test_a_certificate_is_checked(tmp_path: Path) -> None:
    """Its signer and its name: what the system does not trust is not called, and what is trusted has its own name."""
    authority = Authority(tmp_path)
    async with listening(Insurer(), authority.server_context("localhost")) as insurer:
        async with http_to(f"https://localhost:{insurer.port}") as http:
            assert "CERTIFICATE_VERIFY_FAILED" in str(await why(http.send("GET", "")))
        async with http_to(f"https://127.0.0.1:{insurer.port}", tls={"ca_file": str(authority.file)}) as http:
            assert "IP address mismatch" in str(await why(http.send("GET", "")))
        async with http_to(f"https://localhost:{insurer.port}", tls={"ca_file": str(authority.file)}) as http:
            assert (await http.send("GET", "")).status == 200
    assert len(insurer.requests) == 1


async def test_an_expired_certificate_is_not_accepted(tmp_path: Path) -> None:
    """Calls to the insurer fail until it renews the certificate."""
    authority = Authority(tmp_path)
    async with (
        listening(Insurer(), authority.server_context("localhost", days=-1)) as insurer,
        http_to(f"https://localhost:{insurer.port}", tls={"ca_file": str(authority.file)}) as http,
    ):
        assert "certificate has expired" in str(await why(http.send("GET", "")))


@pytest.mark.parametrize("password", ["", "open sesame"])
async def test_who_asks_for_a_client_certificate_gets_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """mTLS; without one the handshake fails."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("KEY_PASSWORD", password)
    cert, key = authority.sign("aggregator", password=password)
    tls = {"ca_file": str(authority.file), "cert_file": str(cert), "key_file": str(key)}
    async with listening(Insurer(), authority.server_context("localhost", asks_who_calls=True)) as insurer:
        url = f"https://localhost:{insurer.port}"
        async with http_to(url, tls={**tls, "key_password_env": "KEY_PASSWORD"}) as http:
            assert (await http.send("GET", "")).body == b"ok"
        async with http_to(url, tls={"ca_file": str(authority.file)}) as http:
            with pytest.raises(InsurerUnavailable):
                await http.send("GET", "")
    assert len(insurer.requests) == 1


async def test_wrong_files_are_reported_with_the_key_that_names_them(tmp_path: Path) -> None:
    """The error names the key of insurers.toml; OpenSSL's own words do not help."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    cert, key = authority.sign("aggregator", password="open sesame")
    _, foreign = other.sign("foreigner")
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    cases: list[tuple[dict[str, Path], str, str]] = [
        ({"ca_file": tmp_path / "nowhere.pem"}, "tls.ca_file", "No such file"),
        ({"ca_file": empty}, "tls.ca_file", "no PEM file"),
        ({"cert_file": empty}, "tls.cert_file", "no PEM file"),
        ({"cert_file": cert, "key_file": foreign}, "tls.key_file", "does not belong to the certificate"),
        ({"cert_file": cert, "key_file": key}, "tls.key_password_env", "the password is not set"),
    ]
    for tls, name, text in cases:
        with pytest.raises(WrongInsurer) as error:
            InsurerHttp(settings(tls={key: str(file) for key, file in tls.items()}), Clock())
        assert (error.value.key, text in error.value.why) == (name, True), error.value


async def test_an_insurer_is_called_through_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own credentials; no insurer is called directly, and the environment's proxy is not used."""
    monkeypatch.setenv("PROXY_AUTH", "user:password")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with listening(Insurer()) as proxy:
        more = {"proxy": f"http://127.0.0.1:{proxy.port}", "proxy_auth_env": "PROXY_AUTH"}
        async with http_to("http://insurer.invalid/api", **more) as http:
            assert (await http.send("GET", "applications/1")).body == b"ok"
    [request] = proxy.requests
    assert request.startswith(b"GET http://insurer.invalid/api/applications/1 ")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==" in request


async def test_tls_goes_through_a_tunnel_of_the_proxy() -> None:
    """CONNECT: the proxy sees where to, and nothing else. One that refuses counts like a broken connection."""
    refusing = Insurer(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
    async with (
        listening(refusing) as proxy,
        http_to("https://insurer.invalid", proxy=f"http://127.0.0.1:{proxy.port}") as http,
    ):
        with pytest.raises(InsurerUnavailable):
            await http.send("GET", "")
    assert proxy.requests[0].startswith(b"CONNECT insurer.invalid:443 ")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n" + bytes(BODY_BYTES_MAX + 1),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"10000\r\n%s\r\n" % bytes(0x10000) * 17,
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s"
        % (len(body := gzip.compress(bytes(64 * BODY_BYTES_MAX))), body),
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1024 * 1024,
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
    ],
    ids=["long", "endless", "inflated", "headers", "no HTTP", "no gzip"],
)
async def test_what_is_too_large_or_no_http_is_left(answer: bytes) -> None:
    """While it is read: its end is not waited for, and its connection not used again."""
    async with listening(Insurer(answer, 60.0)) as insurer, http_to(f"http://127.0.0.1:{insurer.port}") as http:
        with pytest.raises(InsurerProtocol):
            await http.send("GET", "")
        insurer.parts = (OK,)
        assert (await http.send("GET", "")).body == b"ok"
    assert insurer.connections == 2


@pytest.mark.parametrize(
    "parts",
    [(60.0,), (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", *(0.05, b"x") * 9)],
    ids=["silence", "drips"],
)
async def test_a_call_has_its_time_to_the_last_byte(parts: tuple[Any, ...]) -> None:
    """Single bytes now and then do not prolong the call."""
    async with (
        listening(Insurer(*parts)) as insurer,
        http_to(f"http://127.0.0.1:{insurer.port}", request_timeout="200ms") as http,
    ):
        assert isinstance(await why(http.send("GET", "")), TimeoutError)


async def test_connecting_has_a_time_of_its_own() -> None:
    """An insurer may answer after a minute; connecting takes less. Here the connection is never accepted."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        async with http_to(url, request_timeout="60s", connect_timeout="100ms") as http:
            filling = [socket.socket() for _ in range(4)]
            for one in filling:
                one.setblocking(False)  # noqa: FBT003 - the library's own
                one.connect_ex(full.getsockname())
            async with asyncio.timeout(5):
                assert isinstance(await why(http.send("GET", "")), TimeoutError)
            for one in filling:
                one.close()


async def test_a_dead_name_server_costs_one_thread_and_no_other_insurer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to the same host share the look-up, and have a time-out for it; other hosts are looked up meanwhile."""
    hanging, asked = threading.Event(), 0
    look_up: Callable[..., Any] = socket.getaddrinfo

    def slow(host: str, *arguments: Any, **more: Any) -> Any:
        nonlocal asked
        if host == "insurer.invalid":
            asked += 1
            hanging.wait(10)
        return look_up(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with (
        listening(Insurer()) as insurer,
        http_to("http://insurer.invalid", connect_timeout="100ms", request_timeout="60s") as dead,
        http_to(f"http://localhost:{insurer.port}") as alive,
    ):
        calls = [asyncio.ensure_future(dead.send("GET", "")) for _ in range(50)]
        assert (await alive.send("GET", "")).body == b"ok"
        failures = await asyncio.gather(*calls, return_exceptions=True)
        assert {str(failure.__cause__) for failure in failures if isinstance(failure, InsurerUnavailable)} == {
            "Cannot connect to host insurer.invalid:80 ssl:default [no answer from the name servers within 0.1 s]"
        }
        assert asked == 1
        hanging.set()


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Encoding: x-gzip\r\nContent-Length: 0\r\n\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbusy",
        b"Content-Length: 2000000\r\n\r\n" + b"x" * 2_000_000,
        b"Content-Length: 10\r\n\r\n",
    ],
    ids=["an empty x-gzip", "no gzip", "too large", "none that comes"],
)
@pytest.mark.parametrize(
    ("status", "error"), [(429, InsurerBusy), (503, InsurerUnavailable), (401, InsurerCredentials)]
)
async def test_the_status_of_an_error_counts_without_its_body(
    status: int, error: type[InsurerError], body: bytes
) -> None:
    """A gateway's page in place of the answer, in whatever form: when to come again is in the head."""
    reply = b"HTTP/1.1 %d X\r\nRetry-After: 5\r\n%b" % (status, body)
    wait = {"request_timeout": "100ms"} if body.startswith(b"Content-Length: 10\r") else {}
    async with listening(Insurer(reply)) as insurer, http_to(f"http://127.0.0.1:{insurer.port}", **wait) as http:
        with pytest.raises(error) as raised:
            await http.send("GET", "")
        assert getattr(raised.value, "retry_after_s", 5.0) == 5.0


async def test_a_refusal_without_a_body_that_can_be_read_is_one() -> None:
    """Its code is a bonus. One that broke off may come whole next time."""
    unread = b"HTTP/1.1 422 X\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbusy"
    async with listening(Insurer(unread)) as insurer, http_to(f"http://127.0.0.1:{insurer.port}") as http:
        assert (await http.send("GET", "")).body == b""
    cut = b"HTTP/1.1 422 X\r\nContent-Length: 40\r\nConnection: close\r\n\r\n{"
    async with listening(Insurer(cut)) as insurer, http_to(f"http://127.0.0.1:{insurer.port}") as http:
        with pytest.raises(InsurerUnavailable):
            await http.send("GET", "")
