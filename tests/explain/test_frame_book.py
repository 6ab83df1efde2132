"""What a process keeps of its frames: the last ten thousand, and from which moment on it has all of them."""

import gc
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from app.domain.cursor import Cursor
from app.runtime.clock import Clock
from app.story.frame_book import FRAMES_MAX, FrameBook
from app.watch.events import Received

ONE, OTHER = UUID(int=1), UUID(int=2)
QUOTE: Any = SimpleNamespace(insurer_id="sever")
EVENT = Received(Cursor(ONE, ("sever",), 1), QUOTE, is_live=True)


def test_frames_are_found_by_their_request_until_newer_ones_take_their_places() -> None:
    """The book then says since when it has all frames."""
    book = FrameBook(Clock())
    book.sent(ONE, "ws-1", EVENT)
    book.sent(OTHER, "ws-2", EVENT)
    (frame,) = book.frames_of(ONE)
    assert (frame.socket, frame.insurer_id, book.since_ms) == ("ws-1", "sever", 0)
    for _ in range(FRAMES_MAX - 1):
        book.sent(OTHER, "ws-2", EVENT)
    assert book.frames_of(ONE) == ()
    assert book.since_ms >= frame.at_ms


def test_a_frame_makes_nothing_that_the_garbage_collector_counts() -> None:
    """It is on the way of every event."""
    book = FrameBook(Clock())
    book.sent(ONE, "ws-1", EVENT)
    gc.collect()
    gc.disable()
    try:
        before = gc.get_count()[0]
        for _ in range(1000):
            book.sent(ONE, "ws-1", EVENT)
        assert gc.get_count()[0] - before < 100
    finally:
        gc.enable()
