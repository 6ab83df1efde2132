"""Reading an application off the wire: as the aggregator writes it, and strictly enough to price it."""

import json
from datetime import date
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace
from support.applications import an_application, application_from, changed, looks_like_email

from app.domain.application import Application, VehicleCategory, VehiclePurpose
from sandbox.insurers.model.priced_application import Unpriceable, read_application
from workers.adapters.rest_poll import as_wire

TODAY: Final = date(2026, 5, 1)
ABSENT: Final = object()
LONG_AGO: Final = "0001-01-01"


def wire(application: Application) -> bytes:
    return msgspec.json.Encoder(decimal_format="string").encode(as_wire(application))


def edited(path: str, value: Any) -> bytes:
    """The valid application with another value at a dotted path."""
    raw = json.loads(wire(an_application(TODAY)))
    *keys, last = path.split(".")
    place: Any = raw
    for key in keys:
        place = place[int(key)] if key.isdigit() else place[key]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"drivers": {"unlimited": True}},
        {"owner": None, "usageMonths": 6},
        {"vehicle.category": VehicleCategory.D, "vehicle.seats": 20, "vehicle.maxMassKg": 9000},
        {"vehicle.purpose": VehiclePurpose.TAXI, "vehicle.withTrailer": True, "policyholder.person.middleName": None},
    ],
)
def test_what_the_aggregator_sends_is_read_whole(changes: dict[str, object]) -> None:
    """Every field arrives."""
    application = application_from(changed(TODAY, changes), today=TODAY, is_email=looks_like_email)
    assert read_application(wire(application))[0] == replace(application, consent=None)


def test_the_content_is_the_same_however_it_is_written() -> None:
    """White space, the order of keys and unknown fields make no difference; a value does."""
    raw = json.loads(wire(an_application(TODAY)))
    other = json.dumps(dict(reversed(raw.items())) | {"sentBy": "aggregator"}, indent=2, ensure_ascii=True).encode()
    content = read_application(wire(an_application(TODAY)))[1]
    assert read_application(other)[1] == content
    assert read_application(edited("vehicle.year", 2020))[1] != content


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vehicle", ABSENT),
        ("vehicle.category", "E"),
        ("vehicle.enginePower", "NaN"),
        ("vehicle.enginePower", "-1"),
        ("vehicle.enginePower", "strong"),
        ("vehicle.year", "2021"),
        ("vehicle.document.issuedOn", "14.09.2021"),
        ("owner.person.address.kladr", "Москва"),
        ("owner.person.citizenship", "Россия"),
        ("owner", {}),
        ("policyholder.organisation", {}),
        ("policyholder", None),
        ("drivers", ABSENT),
        ("drivers", {}),
        ("drivers", {"unlimited": False}),
        ("drivers", {"listed": []}),
        ("drivers.unlimited", True),
        ("drivers.listed.0.license.number", ""),
        ("drivers.listed.0.birthDate", "2100-01-01"),
        ("drivers.listed.0.drivingSince", "2100-01-01"),
        ("drivers.listed.0.drivingSince", LONG_AGO),
        ("startsOn", "soon"),
        ("startsOn", LONG_AGO),
        ("usageMonths", 2),
        ("usageMonths", 13),
    ],
)
def test_what_cannot_be_priced_is_refused(path: str, value: Any) -> None:
    """The refusal comes before an offer is made."""
    with pytest.raises(Unpriceable):
        read_application(edited(path, value))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"vehicle": "\xff"}', b"[" * 100_000, b'{"unknown": ' + b"[" * 100_000],
    ids=["nothing", "null", "list", "open", "binary", "binary inside", "deep", "deep inside"],
)
def test_what_is_no_application_is_refused(body: bytes) -> None:
    """JSON that is no application is refused as one that cannot be priced."""
    with pytest.raises(Unpriceable):
        read_application(body)
