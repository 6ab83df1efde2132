"""Applications of requests in work: opened once for all lanes, and dropped with their last job."""

import base64
import gc
from datetime import date

from msgspec.structs import replace
from support.applications import an_application
from support.quotes import a_request

from app.codecs.application_codec import encode_application
from app.postgres.application_cache import ApplicationCache
from app.postgres.cipher import Cipher, Sealed

APPLICATION = an_application(date(2026, 11, 22))
CIPHER = Cipher.from_setting(f"key:{base64.b64encode(bytes(32)).decode()}")
NOTHING = Sealed("key", b"not to be opened")


def sealed(request_id: object, **changes: object) -> Sealed:
    return CIPHER.seal(request_id, encode_application(replace(APPLICATION, **changes)))  # type: ignore[arg-type]


def test_it_is_opened_once_for_all_jobs_that_hold_it() -> None:
    """The second job gets the same object, and nothing is deciphered for it."""
    opened, request = ApplicationCache(CIPHER), a_request()
    first = opened.open(request.id, sealed(request.id))
    assert first == APPLICATION
    assert opened.open(request.id, NOTHING) is first


def test_each_request_has_its_own() -> None:
    """Equal applications of two requests are two objects: the cache is by request."""
    opened, one, other = ApplicationCache(CIPHER), a_request(), a_request()
    first, second = (opened.open(request.id, sealed(request.id)) for request in (one, other))
    assert first == second
    assert first is not second


def test_it_is_gone_with_the_last_job_that_held_it() -> None:
    """Personal data is in memory only while a job needs it."""
    opened, request = ApplicationCache(CIPHER), a_request()
    held = [opened.open(request.id, sealed(request.id)) for _ in range(2)]
    held.clear()
    gc.collect()
    assert len(opened._applications) == 0
    later = date(2026, 12, 1)
    assert opened.open(request.id, sealed(request.id, starts_on=later)).starts_on == later
