"""MACs of events: one of our keys, one kind, one request, one document."""

import hmac
from hashlib import blake2b
from itertools import pairwise

import pytest

from app.redis.authenticity import EventAuthenticator, EventKind

OLD, NEW = ("k1", bytes(range(32))), ("k2", bytes(range(32, 64)))
REQUEST, DOCUMENT = "0193a5b2-0000-7000-8000-000000000001", '{"insurer": "север"}'


def made_by(*keys: tuple[str, bytes]) -> str:
    return EventAuthenticator(dict(keys)).mac("quote", REQUEST, DOCUMENT.encode())


def test_a_mac_holds_in_every_process_with_the_key() -> None:
    """It is derived from the setting alone."""
    assert EventAuthenticator(dict([OLD])).holds(made_by(OLD), "quote", REQUEST, DOCUMENT)


@pytest.mark.parametrize(
    ("kind", "request_id", "document"),
    [
        ("end", REQUEST, DOCUMENT),
        ("quote", REQUEST[:-1] + "2", DOCUMENT),
        ("quote", REQUEST, DOCUMENT.replace("север", "волга")),
        ("quote", REQUEST, DOCUMENT + " "),
        ("quote", REQUEST, DOCUMENT[:-1] + "�"),
        ("quote", REQUEST + ":", DOCUMENT),
    ],
)
def test_a_mac_holds_for_its_own_event_alone(kind: EventKind, request_id: str, document: str) -> None:
    """An event moved to another request, turned into an end or changed is none of ours."""
    assert not EventAuthenticator(dict([OLD])).holds(made_by(OLD), kind, request_id, document)


@pytest.mark.parametrize("mac", ["", ":", "k1", "k1:", "k1:0", "k1:ключ", "k2:" + "0" * 32, made_by(OLD)[:-1]])
def test_what_is_no_mac_does_not_hold(mac: str) -> None:
    """The check returns False for any text, and raises nothing."""
    assert not EventAuthenticator(dict([OLD])).holds(mac, "quote", REQUEST, DOCUMENT)


def test_keys_rotate_without_a_foreign_event() -> None:
    """The new key is appended everywhere, then put first everywhere, then the old one dropped: processes differ by one step."""
    steps = [EventAuthenticator(dict(keys)) for keys in ([OLD], [OLD, NEW], [NEW, OLD], [NEW])]
    for before, after in pairwise(steps):
        assert after.holds(before.mac("quote", REQUEST, DOCUMENT.encode()), "quote", REQUEST, DOCUMENT)
        assert before.holds(after.mac("quote", REQUEST, DOCUMENT.encode()), "quote", REQUEST, DOCUMENT)
    assert not steps[-1].holds(made_by(OLD), "quote", REQUEST, DOCUMENT)


def test_the_mac_is_the_one_that_the_document_of_the_feed_describes() -> None:
    """A reader of the feed verifies it without our code. The key is not the one that encrypts."""
    pseudorandom = hmac.digest(bytes(32), OLD[1], "sha256")
    key = hmac.digest(pseudorandom, b"osago events\x01", "sha256")
    tag = blake2b(f"quote:{REQUEST}:{DOCUMENT}".encode(), digest_size=16, key=key)
    assert made_by(OLD) == f"k1:{tag.hexdigest()}"
    assert key != OLD[1]
