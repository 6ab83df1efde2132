"""Applications at rest."""

import base64

import pytest
from msgspec.structs import replace
from support.quotes import a_request

from app.postgres.cipher import Cipher, Undecryptable

OLD, NEW = (f"{name}:{base64.b64encode(bytes([n] * 32)).decode()}" for n, name in enumerate(("old", "new")))


def test_what_was_sealed_comes_back_and_is_not_to_be_read() -> None:
    """The same document is sealed differently each time."""
    cipher, request = Cipher.from_setting(NEW), a_request()
    first, second = (cipher.seal(request.id, b"passport 4510123456") for _ in range(2))
    assert cipher.open(request.id, first) == b"passport 4510123456"
    assert b"4510" not in first.box
    assert first.box != second.box


def test_the_first_key_seals_and_all_open() -> None:
    """Keys can be changed while requests are open."""
    request = a_request()
    sealed = Cipher.from_setting(OLD).seal(request.id, b"x")
    changed = Cipher.from_setting(f"{NEW},{OLD}")
    assert changed.open(request.id, sealed) == b"x"
    assert changed.seal(request.id, b"x").key_id == "new"


def test_what_was_changed_or_moved_does_not_open() -> None:
    """Another request's id, another byte, or a missing key are errors."""
    cipher, request = Cipher.from_setting(NEW), a_request()
    sealed = cipher.seal(request.id, b"x")
    for key, box in [
        (a_request().id, sealed),
        (request.id, replace(sealed, box=sealed.box[:-1] + bytes([sealed.box[-1] ^ 1]))),
    ]:
        with pytest.raises(Undecryptable):
            cipher.open(key, box)
    with pytest.raises(Undecryptable, match="no key new"):
        Cipher.from_setting(OLD).open(request.id, sealed)
