"""Faults of a story in words, a line each, with the page that says what to do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.observability.faults import FaultCode
from app.story.request_story import StoryFault
from cli.explain.durations import in_words


def fault_line(fault: StoryFault) -> str:
    """As `- sever is slow: create took 1.5 s, usually 12 ms [runbook insurer-slow]`."""
    page = f" [runbook {fault.runbook}]" if fault.runbook else ""
    return f"- {FAULTS[fault.code](fault)}{page}"


def _took(fault: StoryFault) -> str:
    return "an unknown time" if fault.seconds is None else in_words(abs(fault.seconds))


def _usual(fault: StoryFault) -> str:
    return "" if fault.usual_s is None else f", usually {in_words(fault.usual_s)}"


def _calls(fault: StoryFault) -> str:
    return f"{fault.count} {fault.step} call{'' if fault.count == 1 else 's'}"


def _silent(one: StoryFault) -> str:
    if one.by:
        return f"{one.what} died or stood still with its job, {one.by} took it over"
    since = "" if one.seconds is None else f" for {_took(one)}"
    return f"{one.what} has a job and no beat{since}: another worker takes it over when the lease is over"


def _slow(one: StoryFault) -> str:
    took = f"has not answered for {_took(one)}" if one.detail else f"took {_took(one)}"
    return f"{one.what} is slow: {one.step} {took}{_usual(one)}"


def _hangs(one: StoryFault) -> str:
    if one.detail:
        return f"{one.what} hangs: {one.step} has not been answered for {_took(one)}{_usual(one)}"
    return f"{one.what} hangs: {_calls(one)} without an answer, the longest {_took(one)}{_usual(one)}"


def _busy(one: StoryFault) -> str:
    if one.seconds and not one.count:
        return f"{one.what} asks for patience: it wants no call for {_took(one)}"
    return f"{one.what} asks for patience: {_calls(one) if one.count else 'its calls'} got 429"


def _waits(one: StoryFault) -> str:
    full = f": all {one.count} places of its lane are taken" if one.count else ""
    return f"{one.what}: its job waited {_took(one)} to be read{full}"


FAULTS: Final[Mapping[FaultCode, Callable[[StoryFault], str]]] = MappingProxyType(
    {
        FaultCode.SERVER_AWAY: lambda one: f"{one.what} cannot be reached",
        FaultCode.SERVER_SLOW: lambda one: (
            f"{one.what} is slow: a small statement takes {_took(one)} from each process"
        ),
        FaultCode.NO_WORKER: lambda _: "no worker is alive",
        FaultCode.PROCESS_SILENT: _silent,
        FaultCode.NOTIFIER_DOWN: lambda one: (
            f"{one.what} has not heard Redis's pub/sub for {_took(one)}: its frames come up to a second late"
        ),
        FaultCode.CLOCK_OFF: lambda one: (
            f"the clock of {one.what}'s machine is {_took(one)} "
            f"{'ahead of' if (one.seconds or 0) > 0 else 'behind'} PostgreSQL's"
        ),
        FaultCode.SLOW_READERS: lambda one: (
            f"{one.what}: clients took nothing any more, and were cut off with their cursor ({one.count}: {one.detail})"
        ),
        FaultCode.JOBS_WAIT: _waits,
        FaultCode.INSURER_SLOW: _slow,
        FaultCode.INSURER_HANGS: _hangs,
        FaultCode.INSURER_FAILING: lambda one: f"{one.what} fails: {_calls(one)} came to {one.detail}",
        FaultCode.INSURER_BUSY: _busy,
        FaultCode.CIRCUIT_OPEN: lambda one: (
            f"{one.what} was not called: its circuit is open"
            f"{f', for its calls fail ({one.detail})' if one.detail else ''}"
        ),
        FaultCode.PAUSED: lambda one: f"{one.what} is paused by an operator{f' ({one.detail})' if one.detail else ''}",
        FaultCode.DEAD_LETTERS: lambda one: (
            f"{one.what}: its job is poison, and was given up"
            f"{f' after {one.count} deliveries' if one.count else ''}: osago dead-letters list"
        ),
    }
)
