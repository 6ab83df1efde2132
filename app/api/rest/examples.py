"""Examples in the OpenAPI document: made up, and valid on the day on which they are shown."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from app.api.rest.json_schema import schemas_of
from app.domain.intake.moscow_calendar import moscow_day
from app.domain.intake.table_walk import example_of
from app.domain.quote import declined as declined_by
from app.intake.new_request import IntakeRules, new_request_table

REQUEST_ID: Final = "019ca2d4-5c1e-7a3b-9f00-3d6f5c2b1a90"
TICKET: Final = {"ticket": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOi…", "expiresInSeconds": 30}
_EMPTY: Final[Mapping[str, Callable[[], Any]]] = MappingProxyType(
    {"string": str, "integer": int, "number": float, "boolean": bool, "array": list}
)
EVENTS: Final = """\
id: hMEB
event: QuoteReceived
data: {"type": "QuoteReceived", "cursor": "hMEB", …}

id: hMEH
event: QuotesCompleted
data: {"type": "QuotesCompleted", "cursor": "hMEH", "outcome": "ALL_ANSWERED", …}

"""


def new_request() -> dict[str, Any]:
    """A `CreateQuoteRequestInput`."""
    return example_of(new_request_table(moscow_day(datetime.now(UTC)), IntakeRules.of()))


def request() -> dict[str, Any]:
    """A `QuoteRequest` after two answers of three."""
    now = datetime.now(UTC).replace(microsecond=0)
    premium = {"amount": "5432.10", "currency": "RUB"}
    offer = _document(
        "Offer",
        number="N-1",
        premium=premium,
        validUntil=_moment(now + timedelta(days=3)),
        purchaseUrl="https://sever.example/buy/N-1",
    )
    declined = declined_by("KBM_TOO_HIGH").reason
    reason = _document("Reason", code=declined.code.value, message=declined.message, insurerCode=declined.insurer_code)
    offered = _quote("sever", "Северное страхование", status="OFFERED", offer=offer, receivedAt=_moment(now))
    return _document(
        "QuoteRequest",
        id=REQUEST_ID,
        clientReference="order-2024-0001",
        customerId="customer-42",
        status="COLLECTING",
        createdAt=_moment(now),
        expiresAt=_moment(now + timedelta(seconds=60)),
        remainingSeconds=57.2,
        progress=_document("Progress", answered=2, total=3),
        quotes=[
            offered,
            _quote("volga", "Волга-Полис", status="DECLINED", reason=reason, receivedAt=_moment(now)),
            _quote("zarya", "Заря", status="PENDING"),
        ],
        bestQuote=offered,
    )


def accepted() -> dict[str, Any]:
    """A `QuoteRequestAccepted`."""
    return _document(
        "QuoteRequestAccepted", quoteRequest=request(), watchToken="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.…"
    )


def _quote(insurer_id: str, name: str, **more: Any) -> dict[str, Any]:
    insurer = _document("Insurer", id=insurer_id, name=name)
    return _document("Quote", id=f"{REQUEST_ID}:{insurer_id}", insurer=insurer, **more)


def _document(type_name: str, **given: Any) -> dict[str, Any]:
    """Every field that REST shows of a type of the schema: as given, else null, an empty list or such a value.

    Raises:
        KeyError: a field is given that the type has not.
    """
    fields = schemas_of(type_name)[type_name]["properties"]
    if unknown := given.keys() - fields:
        raise KeyError(type_name, *unknown)
    return {name: given.get(name, _value(schema)) for name, schema in fields.items()}


def _value(schema: Mapping[str, Any]) -> Any:
    """A value that the schema allows, the emptiest there is."""
    if "anyOf" in schema:
        return None
    if name := schema.get("$ref"):
        type_name = name.rpartition("/")[2]
        made = schemas_of(type_name)[type_name]
        return made["enum"][0] if "enum" in made else _document(type_name)
    return _EMPTY[schema["type"]]()


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
