"""An exception or a wrong return value of an adapter affects one answer of one insurer, and nothing else."""

from typing import Any

import pytest
import structlog
from support.desk import Desk, settings

from app.domain.application import Application
from app.domain.errors import InsurerBusy, InsurerError, InsurerUnavailable
from app.domain.insurer_call import InsurerCall
from app.domain.quote import Answer, ReasonCode, failed
from workers.adapters.adapter import Abilities, Adapter, Created


class Fragile(Adapter):
    """An adapter of another package that raises what the test puts there."""

    abilities = Abilities(calls_back=True)
    created: Any = Created("7")
    polled: Any = None
    heard: Any = None
    asked = 0

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        del application, idempotency_key
        type(self).asked += 1
        return outcome(self.created)

    async def poll(self, application_id: str) -> Answer | None:
        del application_id
        type(self).asked += 1
        return outcome(self.polled)

    def called(self, call: InsurerCall) -> Answer | None:
        del call
        return outcome(self.heard)


def outcome(of: Any) -> Any:
    if isinstance(of, Exception):
        raise of
    return of


async def ask_fragile(*calls: InsurerCall, **attributes: Any) -> tuple[Answer | None, int]:
    adapter: type[Fragile] = type("Fragile", (Fragile,), {"asked": 0, **attributes})
    asking = Desk(settings("rest-poll", "http://127.0.0.1:1"), adapter, *calls)
    return await asking.ask(), adapter.asked


BUGS = [KeyError("4510123456"), ValueError("4510123456"), AttributeError("x"), OverflowError("x"), RecursionError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), ZeroDivisionError(), AssertionError(), MemoryError(),
        ExceptionGroup("x", [KeyError("4510123456")])]  # fmt: skip


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
async def test_an_exception_of_an_adapter_is_an_answer_that_is_not_understood(bug: Exception) -> None:
    """The log has its place once, and no value; the job is done."""
    for step, calls in (("created", 1), ("polled", 2)):
        with structlog.testing.capture_logs() as logs:
            assert await ask_fragile(**{step: bug}) == (failed(ReasonCode.INSURER_PROTOCOL), calls)
        assert [log["event"] for log in logs] == ["adapter.failed"]
        assert logs[0]["exc_info"]
        assert "4510123456" not in str({**logs[0], "exc_info": None})


@pytest.mark.parametrize("error", [OSError("x"), ConnectionResetError(), TimeoutError()])
async def test_a_transport_of_an_adapters_own_may_break(error: Exception) -> None:
    """That is tried again, as ours is."""
    assert await ask_fragile(created=error) == (failed(ReasonCode.INSURER_UNREACHABLE), 3)


@pytest.mark.parametrize(
    "attributes",
    [{"created": None}, {"created": "7"}, {"created": {"id": 7}}, {"polled": Created("8")}, {"polled": False}],
)
async def test_what_is_no_answer_is_none(attributes: dict[str, Any]) -> None:
    """A create that returns nothing would leave its job open until the end of the request."""
    found, _ = await ask_fragile(**attributes)
    assert found == failed(ReasonCode.INSURER_PROTOCOL)


@pytest.mark.parametrize("id_", ["", "x" * 257, "a\nb", 7, None])
async def test_an_id_that_cannot_be_one_is_not_kept(id_: Any) -> None:
    """It goes into Redis and into addresses."""
    with pytest.raises(InsurerError):
        Created(id_)


@pytest.mark.parametrize("bug", [*BUGS, "an answer"], ids=lambda bug: type(bug).__name__)
async def test_a_call_that_breaks_its_reader_is_as_if_it_had_not_come(bug: Any) -> None:
    """It is polled, as if it had never called; it is read once more when the insurer's id is known."""
    polled = failed(ReasonCode.INSURER_REJECTED)
    with structlog.testing.capture_logs() as logs:
        found, _ = await ask_fragile(InsurerCall({}, b"x"), heard=bug, polled=polled)
    assert found == polled
    assert len(logs) == (1 if isinstance(bug, Exception) else 0)


async def test_a_broken_adapter_is_logged_once_and_not_for_every_job() -> None:
    """2,500 applications with one bug would be as many tracebacks; another step's bug is not hidden by it."""
    adapter: type[Fragile] = type("Fragile", (Fragile,), {"polled": KeyError("x")})
    asking = Desk(settings("rest-poll", "http://127.0.0.1:1"), adapter)
    with structlog.testing.capture_logs() as logs:
        for _ in range(20):
            assert await asking.ask() == failed(ReasonCode.INSURER_PROTOCOL)
        adapter.created = KeyError("x")
        for _ in range(20):
            assert await asking.ask() == failed(ReasonCode.INSURER_PROTOCOL)
    assert [(log["event"], log["step"]) for log in logs] == [("adapter.failed", "poll"), ("adapter.failed", "create")]


@pytest.mark.parametrize("error", [InsurerBusy("x", 0), InsurerBusy("x", -1), InsurerUnavailable("x", float("nan"))])
async def test_an_adapters_own_wait_is_checked_too(error: InsurerError) -> None:
    """`InsurerBusy(…, 0)` of another house is no leave to ask a thousand times a second."""
    adapter: type[Fragile] = type("Fragile", (Fragile,), {"created": error, "asked": 0})
    asking = Desk(settings("rest-poll", "http://127.0.0.1:1"), adapter)
    await asking.ask(within_s=0.5)
    assert 2 <= adapter.asked <= 100
