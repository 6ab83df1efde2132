"""The short way from what a caller sent to a valid wish: values as they usually are, read in one go.

It gives up at the first thing that is wrong, or merely rare; then `app.intake.new_request` reads with care, and tells all that
is wrong at once. What comes of it is byte for byte what the careful reader would have made: a test holds both to each other.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import UNSET, Struct, to_builtins

from app.codecs import application_codec as documents
from app.domain.age import full_years
from app.domain.application import VehicleCategory, VehicleDocumentKind, VehiclePurpose
from app.domain.intake import application_reader, formats, people
from app.domain.intake.formats import Broken
from app.intake.new_request import CLIENT_REFERENCE, CUSTOMER_ID, is_email, moscow_day, new_quote_request
from app.use_cases.accept import NewQuoteRequest

_RARE: Final = "RARE_OR_WRONG"
"""Nobody is told: the careful reader finds out what it is."""
_CARD: Final = VehicleDocumentKind.REGISTRATION_CERTIFICATE.name
_YEAR_MIN: Final = application_reader.YEAR_MIN
_MONTHS_MIN, _MONTHS_MAX = application_reader.USAGE_MONTHS


class _Days(NamedTuple):
    """The rules of dates, as they are on one day in Moscow."""

    today: date
    starts_on: Callable[[date], date]
    adult: Callable[[date], date]
    born: Callable[[date], date]
    driver: Callable[[date], date]


@lru_cache(maxsize=4)
def _days(today: date) -> _Days:
    return _Days(
        today,
        application_reader.starts_on(today),
        people.adult(today),
        people.born(today),
        people.old_enough_to_drive(today, people.DRIVING_AGE_MIN),
    )


def read_wish(
    raw: Mapping[str, object] | Struct, *, tenant: str, now: datetime, configured: Sequence[str]
) -> NewQuoteRequest:
    """Reads a `CreateQuoteRequestInput`: a mapping as `new_quote_request` takes it, or what a plan has decoded.

    Raises:
        InvalidApplication: with everything that is wrong.
    """
    if isinstance(raw, Struct):
        wish = straight_wish(raw, tenant=tenant, now=now, configured=configured)
        if wish is not None:
            return wish
        raw = plain(raw)
    return new_quote_request(raw, tenant=tenant, now=now, configured=configured)


def plain(raw: Struct) -> Mapping[str, object]:
    """As a mapping, dates parsed."""
    return to_builtins(raw, builtin_types=(date,))


def straight_wish(raw: Any, *, tenant: str, now: datetime, configured: Sequence[str]) -> NewQuoteRequest | None:
    """Reads a `CreateQuoteRequestInput` whose fields are attributes, of the types that `app.api.compiled.variables` makes.

    None: read it with care.
    """
    days = _days(moscow_day(now))
    chosen = _given(raw.insurerIds)
    if chosen is not None and not (chosen and len(set(chosen)) == len(chosen) and set(chosen) <= set(configured)):
        return None
    reference = _given(raw.clientReference)
    try:
        return NewQuoteRequest(
            tenant=tenant,
            customer_id=CUSTOMER_ID(raw.customerId),
            client_reference=None if reference is None else CLIENT_REFERENCE(reference),
            document=documents.encode_application(_application(raw.application, days)),
            insurers=None if chosen is None else tuple(chosen),
        )
    except Broken:
        return None


def _application(raw: Any, days: _Days) -> documents.Application:
    vehicle = _vehicle(raw.vehicle, days)
    policyholder = _person(raw.policyholder, days.adult, days)
    owner = _given(raw.owner)
    _agree(_MONTHS_MIN <= raw.usageMonths <= _MONTHS_MAX)
    return documents.Application(
        vehicle,
        policyholder,
        policyholder if owner is None else _person(owner, days.born, days),
        _drivers(raw.drivers, days),
        days.starts_on(raw.startsOn),
        raw.usageMonths,
    )


def _vehicle(raw: Any, days: _Days) -> documents.Vehicle:
    """A car with a VIN. Other categories, and cars so old that they have none, are rare, and so are big ones."""
    vin, body_number, plate = _given(raw.vin), _given(raw.bodyNumber), _given(raw.licensePlate)
    if raw.category != "B" or vin is None:
        raise Broken(_RARE)
    _agree(_given(raw.chassisNumber) is None and _given(raw.maxMassKg) is None and _given(raw.seats) is None)
    year, today = raw.year, days.today
    _agree(_YEAR_MIN <= year <= today.year + 1)
    purpose = VehiclePurpose[raw.purpose]
    return documents.Vehicle(
        VehicleCategory.B,
        application_reader.MAKE(raw.make),
        application_reader.MODEL(raw.model),
        year,
        application_reader.engine_power(Decimal(raw.enginePower)),
        None if plate is None else formats.license_plate(VehicleCategory.B, purpose)(plate),
        formats.vin(vin),
        None if body_number is None else formats.body_number(body_number),
        None,
        _papers(raw.document, year, today),
        purpose,
        None,
        None,
        raw.withTrailer,
    )


def _papers(raw: Any, year: int, today: date) -> documents.VehicleDocument:
    """A registration certificate (СТС); with another document the car is not registered yet."""
    issued_on = raw.issuedOn
    _agree(raw.kind == _CARD and issued_on <= today and issued_on.year >= min(year, today.year))
    return documents.VehicleDocument(
        VehicleDocumentKind.REGISTRATION_CERTIFICATE, formats.registration_certificate(raw.number), issued_on
    )


def _person(raw: Any, birth_date_rule: Callable[[date], date], days: _Days) -> documents.Person:
    birth_date, issued_on = birth_date_rule(raw.birthDate), _given(raw.passportIssuedOn)
    if issued_on is not None:
        _agree(issued_on <= days.today and full_years(birth_date, issued_on) >= people.PASSPORT_AGE_MIN)
    phone, email = _given(raw.phone), _given(raw.email)
    if email is not None:
        email = formats.prose(email, people.EMAIL_LENGTH_MAX, "EMAIL_INVALID")
        _agree(is_email(email))
    return documents.Person(
        *_names(raw),
        birth_date,
        formats.passport(raw.passport),
        issued_on,
        documents.Address(formats.kladr(raw.address.kladr), people.ADDRESS(raw.address.text)),
        None if phone is None else formats.phone(phone),
        email,
    )


def _drivers(raw: Any, days: _Days) -> tuple[documents.Driver, ...] | None:
    listed = raw.listed
    if listed is UNSET:
        _agree(raw.unlimited)
        return None
    _agree(1 <= len(listed) <= application_reader.DRIVERS_MAX)
    drivers = tuple([_driver(driver, days) for driver in listed])
    _agree(len({driver.license for driver in drivers}) == len(drivers))
    return drivers


def _driver(raw: Any, days: _Days) -> documents.Driver:
    birth_date, since = days.driver(raw.birthDate), raw.drivingSince
    _agree(since <= days.today and full_years(birth_date, since) >= people.DRIVING_AGE_MIN)
    return documents.Driver(
        *_names(raw),
        birth_date,
        formats.driving_license(raw.license),
        since,
    )


def _names(raw: Any) -> tuple[str, str, str | None]:
    """Last, first and middle."""
    middle_name = _given(raw.middleName)
    return (
        formats.name(raw.lastName),
        formats.name(raw.firstName),
        None if middle_name is None else formats.name(middle_name),
    )


def _given(value: Any) -> Any:
    if value is UNSET:
        return None
    return value


def _agree(is_right: object) -> None:
    if not is_right:
        raise Broken(_RARE)
