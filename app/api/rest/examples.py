"""Examples in the OpenAPI document: made up, and valid on the day on which they are shown."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.api.rest.json_schema import schemas_of
from app.domain.intake.table_walk import example_of
from app.intake.new_request import IntakeRules, moscow_day, new_request_table

REQUEST_ID: Final = "019ca2d4-5c1e-7a3b-9f00-3d6f5c2b1a90"
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
    offer = {
        **dict.fromkeys(schemas_of("Offer")["Offer"]["properties"]),  # None where nothing else is said
        "number": "N-1",
        "premium": {"amount": "5432.10", "currency": "RUB"},
        "validUntil": _moment(now + timedelta(days=3)),
        "purchaseUrl": "https://sever.example/buy/N-1",
    }
    declined = {
        "code": "INSURER_DECLINED",
        "message": "Страховая компания отказала в расчёте.",
        "insurerCode": "KBM_TOO_HIGH",
    }
    offered = _quote("sever", "Северное страхование", status="OFFERED", offer=offer, receivedAt=_moment(now))
    return {
        "id": REQUEST_ID,
        "clientReference": "order-2024-0001",
        "customerId": "customer-42",
        "status": "COLLECTING",
        "createdAt": _moment(now),
        "expiresAt": _moment(now + timedelta(seconds=60)),
        "remainingSeconds": 57.2,
        "completedAt": None,
        "progress": {"answered": 2, "total": 3},
        "quotes": [
            offered,
            _quote("volga", "Волга-Полис", status="DECLINED", reason=declined, receivedAt=_moment(now)),
            _quote("zarya", "Заря", status="PENDING"),
        ],
        "bestQuote": offered,
    }


def accepted() -> dict[str, Any]:
    """A `QuoteRequestAccepted`."""
    return {"quoteRequest": request(), "warnings": [], "watchToken": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.…"}


def _quote(insurer_id: str, name: str, **more: Any) -> dict[str, Any]:
    slot = {"id": f"{REQUEST_ID}:{insurer_id}", "insurer": {"id": insurer_id, "name": name}}
    return {**slot, "offer": None, "reason": None, "receivedAt": None, **more}


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
