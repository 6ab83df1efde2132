"""Why calls fail: each way has its word, in the metric and in the log."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from support.certificates import Authority
from support.clock import MovedClock
from support.wire import Insurer, listening

from app.config.insurers_file import InsurerSettings
from app.domain.errors import InsurerBusy, InsurerError, InsurerProtocol, InsurerUnavailable
from app.runtime.clock import Clock
from workers.adapters.containment import Containment
from workers.adapters.transport.insurer_http import InsurerHttp
from workers.insurer_calls.failure_causes import WHYS, detail_of, why_of
from workers.insurer_calls.failure_log import FIRST_AFTER_S, REPORT_EVERY_S, FailureLog


def answering(status: int) -> Insurer:
    return Insurer(b"HTTP/1.1 %d Scripted\r\ncontent-length: 0\r\n\r\n" % status)


async def failure(base_url: str, *, expects: Sequence[int] = (200,), **more: Any) -> InsurerError:
    wire = {"id": "sever", "name": "Север", "adapter": "rest-poll", "base_url": base_url, "request_timeout": "500ms"}
    http = InsurerHttp(InsurerSettings.model_validate({**wire, **more}), Clock())
    try:
        with pytest.raises(InsurerError) as found, Containment("sever", Clock()).around("create"):
            (await http.send("GET", "")).expect(*expects)
    finally:
        await http.close()
    return found.value


@pytest.mark.parametrize(
    ("insurer", "why"),
    [
        (answering(500), ("5xx", "500")),
        (answering(503), ("5xx", "503")),
        (answering(408), ("408", "408")),
        (answering(429), ("busy", "429")),
        (answering(401), ("credentials", "401")),
        (answering(404), ("4xx", "404")),
        (answering(202), ("protocol", "protocol")),
        (Insurer(30.0), ("timeout_read", "timeout_read")),
        (Insurer(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf", 30.0), ("timeout_read", "timeout_read")),
        (Insurer(b"nonsense\r\n\r\n"), ("protocol", "protocol")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
async def test_an_answer_or_its_absence_has_its_word(insurer: Insurer, why: tuple[str, str]) -> None:
    """The label has a class of statuses, the log the status itself."""
    async with listening(insurer):
        error = await failure(f"http://127.0.0.1:{insurer.port}")
    assert (why_of(error), detail_of(error)) == why


async def test_the_ways_to_an_insurer_have_their_words(tmp_path: Path) -> None:
    """A name, a proxy or a certificate may be wrong here or at the insurer: each has a word of its own."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        unused = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert why_of(await failure(unused)) == "refused"
    assert why_of(await failure("http://insurer.invalid")) == "dns"
    assert why_of(await failure("http://insurer.example", proxy=unused)) == "proxy"
    async with AsyncExitStack() as stack:
        tls = await stack.enter_async_context(listening(Insurer(), Authority(tmp_path).server_context("localhost")))
        assert why_of(await failure(f"https://localhost:{tls.port}")) == "tls"

        async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        server = await stack.enter_async_context(await asyncio.start_server(hang_up, "127.0.0.1", 0))
        assert why_of(await failure(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")) == "reset"


def test_every_word_is_documented() -> None:
    """Where an operator looks them up."""
    text = (Path(__file__).parents[3] / "docs/operations.md").read_text(encoding="utf-8")
    table = text.partition("### Why a call failed")[2].partition("\n#")[0]
    assert [why for why in WHYS if f"`{why}`" not in table] == []


def unavailable(status: int) -> InsurerUnavailable:
    error = InsurerUnavailable("scripted")
    error.status = status
    return error


async def test_a_failing_insurer_leaves_a_line_a_minute_and_one_when_it_recovers() -> None:
    """The line has how often and how, the commonest first."""
    clock = MovedClock()
    failures = FailureLog("kama", clock)
    with structlog.testing.capture_logs() as lines:
        failures.count(None, 0.1)
        failures.report()
        for _ in range(3):
            failures.count(unavailable(500), 2.5)
        failures.count(InsurerProtocol("nonsense"), 0.1)
        failures.report()
        assert lines == []
        await clock.advance(FIRST_AFTER_S)
        failures.report()
        failures.report()
        assert [(line["event"], line["insurer"], line["calls"], line["failed"]) for line in lines] == [
            ("insurer.failing", "kama", 4, 4)
        ]
        assert (lines[0]["statuses"], lines[0]["slowest_s"]) == ("500×3 protocol×1", 2.5)
        failures.count(unavailable(503), 1.0)
        await clock.advance(REPORT_EVERY_S - 1)
        failures.report()
        assert len(lines) == 1
        await clock.advance(1)
        failures.report()
        failures.count(None, 0.1)
        await clock.advance(REPORT_EVERY_S)
        failures.report()
        assert [line["event"] for line in lines] == ["insurer.failing", "insurer.failing", "insurer.recovered"]


async def test_what_repeating_mends_leaves_no_line() -> None:
    """A failure among many calls, and pleas for patience."""
    clock = MovedClock()
    failures = FailureLog("kama", clock)
    with structlog.testing.capture_logs() as lines:
        failures.count(unavailable(503), 0.1)
        for _ in range(9):
            failures.count(None, 0.1)
            failures.count(InsurerBusy("status 429"), 0.1)
        await clock.advance(REPORT_EVERY_S)
        failures.report()
    assert lines == []
