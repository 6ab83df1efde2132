"""Faults by code, as the overview's concerns and the stories of requests name them, each with its runbook."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class FaultCode(StrEnum):
    """What may be wrong, or is to be known. Its subject is an insurer, a process, a server or a socket."""

    SERVER_AWAY = "SERVER_AWAY"
    """PostgreSQL or Redis does not answer."""
    SERVER_SLOW = "SERVER_SLOW"
    """Each process needs long for a small statement."""
    NO_WORKER = "NO_WORKER"
    PROCESS_SILENT = "PROCESS_SILENT"
    """A process that was killed, hangs or is cut off."""
    PROCESS_FAILING = "PROCESS_FAILING"
    PROCESS_DRAINING = "PROCESS_DRAINING"
    NOTIFIER_DOWN = "NOTIFIER_DOWN"
    """A process does not hear Redis's pub/sub."""
    CLOCK_OFF = "CLOCK_OFF"
    """A machine's clock is not PostgreSQL's."""
    SLOW_READERS = "SLOW_READERS"
    """Clients took nothing any more, and were cut off."""
    OVERDUE = "OVERDUE"
    ENDS_LATE = "ENDS_LATE"
    OUTBOX_WAITS = "OUTBOX_WAITS"
    FRAMES_SLOW = "FRAMES_SLOW"
    PAUSED = "PAUSED"
    CIRCUIT_FORCED = "CIRCUIT_FORCED"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    CIRCUIT_TRIAL = "CIRCUIT_TRIAL"
    INSURER_FAILING = "INSURER_FAILING"
    INSURER_HANGS = "INSURER_HANGS"
    """Its calls end by time-out."""
    INSURER_BUSY = "INSURER_BUSY"
    """It answers 429."""
    CALLS_PUT_OFF = "CALLS_PUT_OFF"
    """It has said for how long it wants no call."""
    INSURER_SLOW = "INSURER_SLOW"
    """Its calls take far longer than they usually do."""
    JOBS_WAIT = "JOBS_WAIT"
    """Jobs are read late: the lane has no place, or no worker."""
    LANE_FULL = "LANE_FULL"
    DEAD_LETTERS = "DEAD_LETTERS"
    """A job was given up."""


RUNBOOKS: Final[Mapping[FaultCode, str]] = MappingProxyType(
    {
        FaultCode.SERVER_AWAY: "server-down",
        FaultCode.SERVER_SLOW: "server-slow",
        FaultCode.NO_WORKER: "no-worker",
        FaultCode.PROCESS_SILENT: "worker-lost",
        FaultCode.PROCESS_FAILING: "part-failing",
        FaultCode.NOTIFIER_DOWN: "notifier-down",
        FaultCode.CLOCK_OFF: "clock-off",
        FaultCode.SLOW_READERS: "slow-readers",
        FaultCode.OVERDUE: "requests-overdue",
        FaultCode.ENDS_LATE: "slo-ends-in-time-fast",
        FaultCode.OUTBOX_WAITS: "outbox-waits",
        FaultCode.FRAMES_SLOW: "slo-answer-to-frame-slow",
        FaultCode.CIRCUIT_OPEN: "insurer-circuit-open",
        FaultCode.CIRCUIT_TRIAL: "insurer-circuit-open",
        FaultCode.INSURER_FAILING: "insurer-failing",
        FaultCode.INSURER_HANGS: "insurer-hangs",
        FaultCode.INSURER_BUSY: "insurer-busy",
        FaultCode.CALLS_PUT_OFF: "insurer-busy",
        FaultCode.INSURER_SLOW: "insurer-slow",
        FaultCode.JOBS_WAIT: "lane-full",
        FaultCode.LANE_FULL: "lane-full",
        FaultCode.DEAD_LETTERS: "dead-letters",
    }
)
"""Pages of docs/runbooks. A code without one needs nothing to be done."""
