"""The last frames of one process, and the subscriptions that began and ended: which watcher had what, for an operator.

It knows requests and sockets by numbers of its own, and no address, token or content. A frame costs a fraction of a microsecond, for
it is on the way of every event; what is asked for is looked for then.
"""

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final
from uuid import UUID

from app.observability.tracing.frame_spans import FrameSpans
from app.runtime.clock import Clock
from app.story.inquiries.inquiry import REPLY_FORM, PlaceTaken, ProcessReply, SentFrame
from app.story.request_story import ProcessKind, StepKind
from app.watch.events import Event, Received

FRAMES_MAX: Final = 10_000
PLACES_MAX: Final = 10_000
REPLIED_MAX: Final = 500
"""Frames in one reply, and places, the newest ones."""
DONE: Final = "done"
GONE: Final = "gone"
STALLED: Final = "stalled"
"""The client took nothing any more, and was cut off."""
# Plain strings: a member of an enumeration would keep its tuple among what the garbage collector looks through.
_WATCHED: Final = str(StepKind.WATCHED.value)
_RESUMED: Final = str(StepKind.RESUMED.value)
_LEFT: Final = str(StepKind.LEFT.value)

_numbers: Final = count(1)


def socket_label(kind: str) -> str:
    """Names a connection, or a stream, of this process: `ws-17`."""
    return f"{kind}-{next(_numbers)}"


class FrameBook:
    """Of one process. A frame makes no object that the garbage collector counts: ten thousand more would have it run in the middle of a burst."""

    def __init__(self, clock: Clock, spans: FrameSpans | None = None) -> None:
        """`spans`: where the frames of sampled requests have spans too."""
        self._spans = spans
        self._monotonic: Callable[[], float] = clock.monotonic
        self._clock = clock
        self._next = 0
        """The place of the next frame: over the oldest one, once all are taken."""
        self._is_full = False
        self._requests = [0] * FRAMES_MAX
        self._sockets = [""] * FRAMES_MAX
        self._sent_at_s = [0.0] * FRAMES_MAX
        self._insurers = [""] * FRAMES_MAX
        self._places: deque[tuple[int, str, float, str, int, str]] = deque(maxlen=PLACES_MAX)

    def sent(self, request_id: UUID, socket: str, event: Event) -> None:
        """A frame was written."""
        place = self._next
        self._requests[place] = request_id.int
        self._sockets[place] = socket
        self._sent_at_s[place] = self._monotonic()
        self._insurers[place] = insurer_id = event.quote.insurer_id if isinstance(event, Received) else ""
        self._next = place + 1
        if self._next == FRAMES_MAX:
            self._next, self._is_full = 0, True
        if self._spans is not None:
            self._spans.sent(request_id, socket, insurer_id)

    def began(self, request_id: UUID, socket: str, *, resumed: bool, answered: int) -> None:
        """A subscription has its place; `answered`: how many answers it had already."""
        kind = _RESUMED if resumed else _WATCHED
        self._places.append((request_id.int, socket, self._monotonic(), kind, answered, ""))

    def ended(self, request_id: UUID, socket: str, result: str) -> None:
        """Records the end of a subscription: DONE, GONE before the end, STALLED, or the name of an error."""
        self._places.append((request_id.int, socket, self._monotonic(), _LEFT, 0, result))

    def known(self, name: str, request_id: UUID) -> ProcessReply:
        """The frames that this process, of this name, has sent of a request."""
        return ProcessReply(
            form=REPLY_FORM,
            name=name,
            kind=ProcessKind.API,
            frames=self.frames_of(request_id),
            places=self.places_of(request_id),
            frames_since_ms=self.since_ms,
        )

    def frames_of(self, request_id: UUID) -> tuple[SentFrame, ...]:
        """The frames of this request, the oldest first."""
        number, offset_s = request_id.int, self._offset_s()
        places = [place for place, request in enumerate(self._requests) if request == number]
        places.sort(key=self._sent_at_s.__getitem__)
        return tuple(
            SentFrame(_ms(self._sent_at_s[place] + offset_s), self._sockets[place], self._insurers[place])
            for place in places[-REPLIED_MAX:]
        )

    def places_of(self, request_id: UUID) -> tuple[PlaceTaken, ...]:
        """The subscriptions to this request, the oldest first."""
        number, offset_s = request_id.int, self._offset_s()
        found = [place for place in self._places if place[0] == number][-REPLIED_MAX:]
        stalled = {socket for _, socket, _, _, _, result in found if result == STALLED}
        return tuple(
            PlaceTaken(_ms(at_s + offset_s), socket, StepKind(kind), answered, result)
            for _, socket, at_s, kind, answered, result in found
            if not (result == GONE and socket in stalled)  # a socket that has stalled is then closed
        )

    @property
    def since_ms(self) -> int:
        """Frames before this moment are dropped, milliseconds since 1970; 0 while none is."""
        if not self._is_full:
            return 0
        return _ms(self._sent_at_s[self._next] + self._offset_s())

    def _offset_s(self) -> float:
        return self._clock.unix_s() - self._monotonic()


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
