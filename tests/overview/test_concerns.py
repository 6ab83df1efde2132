"""What of a snapshot needs a hand: each rule by its figures, each code with words and a page."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.observability.faults import RUNBOOKS, FaultCode
from app.observability.recent_calls import Calls, StepCalls
from app.overview.concerns import concerns_of
from app.overview.system_snapshot import (
    CircuitFigures,
    Concern,
    InsurerFigures,
    LimitFigures,
    ProcessFigures,
    PushFigures,
    RequestFigures,
    Urgency,
)
from app.redis.fleet.process_health import ProcessHealth
from app.story.story_faults import STORY_FAULTS
from cli.explain.fault_text import FAULTS
from cli.top.top_view import _WORDS

ROOT: Final = Path(__file__).parents[2]
WELL: Final = {"postgresql": "ok", "redis": "ok"}


def process(name: str = "worker-1", kind: str = "worker", **more: Any) -> ProcessFigures:
    known: dict[str, Any] = {"state": "WORKING", "host": "host-1", "pid": 1, "seen_s": 0.1}
    return ProcessFigures(kind=kind, name=name, started_at=datetime(2026, 1, 1, tzinfo=UTC), **(known | more))


def concerns(
    *processes: ProcessFigures,
    servers: dict[str, str] | None = None,
    insurer: InsurerFigures | None = None,
    calls: Calls | None = None,
) -> list[Concern]:
    """Of a system that is otherwise well."""
    found = concerns_of(
        servers or WELL,
        RequestFigures(),
        PushFigures(),
        [insurer] if insurer else [],
        calls or {},
        processes or [process()],
        0,
        0.0,
    )
    return list(found)


def alarms(found: list[Concern]) -> list[tuple[str, str]]:
    return [(one.code, one.subject) for one in found if one.urgency is Urgency.ALARM]


def sever(**more: Any) -> InsurerFigures:
    known: dict[str, Any] = {"circuit": CircuitFigures()}
    return InsurerFigures(id="sever", name="Sever", **(known | more))


def test_a_system_that_is_well_has_none() -> None:
    """A process with looks, clock and pub/sub as on a busy day has no concern."""
    health = ProcessHealth({"postgresql": 0.15, "redis": 0.01}, clock_off_s=-1.5, unheard_s=1.0)
    assert concerns(process(health=health, stalled=4)) == []


def test_a_server_is_slow_when_its_quickest_process_is_slow() -> None:
    """One slow process lacks CPU; all of them name the server, also where the snapshot itself got no answer."""
    slow, quick = ProcessHealth({"postgresql": 0.7}), ProcessHealth({"postgresql": 0.03})
    assert concerns(process("w-1", health=slow), process("w-2", health=quick)) == []
    hardly_there = {"postgresql": "does not answer", "redis": "ok"}
    found = concerns(process("w-1", health=slow), servers=hardly_there)
    assert [(one.code, one.subject, one.value, one.runbook) for one in found] == [
        ("SERVER_SLOW", "postgresql", 0.7, "server-slow")
    ]
    gone = concerns(process("w-1"), servers=hardly_there)
    assert alarms(gone) == [("SERVER_AWAY", "postgresql")]


def test_a_process_that_does_not_hear_pub_sub_is_named_unless_redis_is_away() -> None:
    """Without Redis every process is deaf, and Redis is the row to look at."""
    deaf = process("api-1", "api", health=ProcessHealth(unheard_s=6.0))
    assert alarms(concerns(deaf, process())) == [("NOTIFIER_DOWN", "api-1")]
    without_redis = {"postgresql": "ok", "redis": "not there"}
    assert alarms(concerns(deaf, process(), servers=without_redis)) == [("SERVER_AWAY", "redis")]


def test_a_clock_and_clients_that_take_nothing_are_named_with_their_process() -> None:
    """With the machine, since the clock is the machine's; a process that is silent has old figures."""
    off = process("w-1", health=ProcessHealth(clock_off_s=-30.04))
    stalled = process("api-1", "api", stalled=5)
    found = concerns(off, stalled)
    assert alarms(found) == [("CLOCK_OFF", "w-1"), ("SLOW_READERS", "api-1")]
    assert (found[0].value, found[0].detail) == (-30.0, "host-1")
    silent = process("w-2", state="SILENT", health=ProcessHealth(clock_off_s=-30.0))
    assert alarms(concerns(silent, process())) == [("PROCESS_SILENT", "w-2")]


def test_an_insurer_is_slow_hangs_fails_or_asks_for_patience_and_one_row_says_which() -> None:
    """The first that fits: calls that hang are not slow, too, and of two steps one is enough."""

    def found(**steps: StepCalls) -> list[tuple[str, str]]:
        return alarms(concerns(insurer=sever(), calls={"sever": steps}))

    assert found(create=StepCalls({"ok": 5}, 7.5, 100, 1.2)) == [("INSURER_SLOW", "sever")]
    assert found(create=StepCalls({"timeout_read": 5}), poll=StepCalls({"timeout_read": 9})) == [
        ("INSURER_HANGS", "sever")
    ]
    assert found(create=StepCalls({"5xx": 5}, 0.1)) == [("INSURER_FAILING", "sever")]
    assert found(create=StepCalls({"ok": 4, "busy": 5})) == [("INSURER_BUSY", "sever")]
    assert found(create=StepCalls({"ok": 50}, 1.0, 100, 1.2)) == []
    row = concerns(insurer=sever(), calls={"sever": {"create": StepCalls({"ok": 5}, 7.5, 100, 1.2)}})[0]
    assert (row.value, row.usual, row.detail, row.runbook) == (1.5, 0.012, "create", "insurer-slow")


def test_half_a_window_of_failed_jobs_is_named_where_calls_do_not_say_it() -> None:
    """At night an insurer may be called once a minute; where its calls say it, one row is enough."""
    failed = sever(answers={"FAILED": 6, "OFFERED": 4})
    assert alarms(concerns(insurer=failed)) == [("INSURER_FAILING", "sever")]
    calls = {"sever": {"create": StepCalls({"timeout_read": 9})}}
    assert alarms(concerns(insurer=failed, calls=calls)) == [("INSURER_HANGS", "sever")]


def test_a_call_that_was_put_off_is_to_be_known_and_no_alarm() -> None:
    """One 429 with its Retry-After is everyday life."""
    found = concerns(insurer=sever(create_limit=LimitFigures(paused_s=5.0)))
    assert [(one.code, one.value, one.urgency) for one in found] == [("CALLS_PUT_OFF", 5.0, Urgency.NOTICE)]


def test_every_code_has_words_in_each_face_and_a_page_that_exists() -> None:
    """In the console in both languages, in `osago top`, and what a story may have in `osago explain`."""
    words = (ROOT / "frontend/operator/src/words.ts").read_text(encoding="utf-8")
    in_console = set(re.findall(r"\bc_([A-Z_]+): \[['\"][^'\"]+['\"], ['\"]", words))
    assert set(FaultCode) <= in_console
    assert set(_WORDS) == set(FaultCode)
    assert set(FAULTS) == STORY_FAULTS
    pages = json.loads((ROOT / "app/api/static/operator/runbooks.json").read_text(encoding="utf-8"))
    assert pages.keys() == set(RUNBOOKS.values())
    for name, page in pages.items():
        assert (ROOT / f"docs/runbooks/{name}.md").is_file()
        assert [command for command, _ in page["ru"]["look"]] == [command for command, _ in page["look"]]
