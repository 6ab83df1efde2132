"""The HTTP parser is never fed more than one request at a time, however the network cuts what a peer sends."""

from collections.abc import Sequence
from itertools import pairwise

import httptools
from hypothesis import example, given
from hypothesis import strategies as st

from app.server.http1.boundaries import PIECE_BYTES_MAX, RequestBoundaries

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SHORTEST = b"GET / HTTP/1.1\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n{\r\n\r\n\n\r\n  }"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\n\r\n\r\n\r\n0\r\n\r\n"
TRAILED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n"
REQUESTS = [GET, SHORTEST, POST, CHUNKED, TRAILED, b"\r\n\r\n" + GET]
BODIES = {POST: POST[-11:], CHUNKED: b"\r\n\r\n", TRAILED: b"x"}


class _Counted:
    """What the parser has made of a piece."""

    def __init__(self, boundaries: RequestBoundaries) -> None:
        self._boundaries = boundaries
        self._length = 0
        self.in_head = True
        self.begun = 0
        self.ended = 0
        self.bodies: list[bytes] = []

    def on_message_begin(self) -> None:
        self.begun += 1
        self.bodies.append(b"")
        self._length = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"Content-Length":
            self._length = int(value)

    def on_headers_complete(self) -> None:
        self.in_head = False
        self._boundaries.head_ends(self._length)

    def on_body(self, body: bytes) -> None:
        self.bodies[-1] += body

    def on_message_complete(self) -> None:
        self.ended += 1
        self.in_head = True


@given(st.lists(st.sampled_from(REQUESTS), max_size=8), st.lists(st.integers(1, 60), max_size=40))
@example([GET] * 8, [len(GET) - 1])
@example([GET] * 8, [len(GET) - 2])
@example([CHUNKED, GET, GET], [len(CHUNKED) - 1])
def test_a_piece_ends_one_request_at_most(requests: Sequence[bytes], cuts: Sequence[int]) -> None:
    """A piece has nothing of the next request; all pieces together are what was sent."""
    sent, boundaries = b"".join(requests), RequestBoundaries()
    counted = _Counted(boundaries)
    parser = httptools.HttpRequestParser(counted)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    fed = b""
    while sent:
        size, *cuts = [*cuts, len(sent)] if cuts else [len(sent)]
        received, sent = sent[:size], sent[size:]
        start = 0
        while start < len(received):
            end = boundaries.next_end(received, start, in_head=counted.in_head)
            assert start < end <= len(received)
            begun, ended = counted.begun, counted.ended
            parser.feed_data(received[start:end])
            fed += received[start:end]
            assert counted.begun - begun <= 1
            assert counted.ended - ended <= 1
            assert counted.ended in {ended, counted.begun}, "a request has begun behind the end"
            start = end
    assert fed == b"".join(requests)
    assert counted.ended == len(requests)
    assert [body for body in counted.bodies if body] == [BODIES[one] for one in requests if one in BODIES]


def test_a_body_in_chunks_and_a_long_head_come_in_bounded_pieces() -> None:
    """What has no empty line for long."""
    boundaries = RequestBoundaries()
    received = b"1\r\nx\r\n" * 10_000
    ends = [0]
    while ends[-1] < len(received):
        ends.append(boundaries.next_end(received, ends[-1], in_head=False))
    assert max(later - earlier for earlier, later in pairwise(ends)) == PIECE_BYTES_MAX


def test_a_request_that_has_come_whole_is_one_piece() -> None:
    """The parser is called once for it. Where more has come, or less, a piece ends with the request or with its head."""
    head = POST.index(b"\r\n\r\n") + 4
    for received, end in ((POST, len(POST)), (POST + GET, len(POST)), (POST[:-1], head)):
        boundaries = RequestBoundaries()
        assert boundaries.next_end(received, 0, in_head=True) == end
        assert boundaries.body_bytes == end - head


def test_a_length_in_a_trailer_means_nothing() -> None:
    """The parser would be fed the requests behind it."""
    trailer = b"0\r\nContent-Length: 27\r\n\r\n"
    assert RequestBoundaries().next_end(trailer + GET, 0, in_head=False) == len(trailer)
