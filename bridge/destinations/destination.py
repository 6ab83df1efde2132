"""The interface of a destination of events, and the two ways in which it may fail."""

from typing import Protocol

from bridge.cloud_event import CloudEvent


class DestinationAway(Exception):
    """The destination is not there, or too busy for any event: the same event is tried again, for as long as it takes."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class EventNotTaken(Exception):
    """The destination is there and refuses this event. With `is_final` it always will; else it may take it later."""

    def __init__(self, why: str, retry_after_s: float | None = None, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s
        self.is_final = is_final


class Destination(Protocol):
    """One kind of broker, or a webhook. It connects when it is first used, and again when it has lost its connection."""

    async def send(self, event: CloudEvent) -> None:
        """Returns once the destination has the event for good. Several may be under way, never two of one request.

        Raises:
            DestinationAway: it may have it or not.
            EventNotTaken: it has it not.
        """
        ...

    async def close(self) -> None:
        """Closes its connections."""
        ...
