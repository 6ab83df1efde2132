"""The endpoints of applications: submit one, look at one."""

import codecs
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from sandbox.core_app.aggregator import Aggregator, AggregatorDown, AggregatorRefuses
from sandbox.core_app.identity import CustomerSigner, address_of, introduce
from sandbox.core_app.limits import SubmissionLimits
from sandbox.core_app.numbering import Application, Applications, number_of
from sandbox.core_app.responses import PROBLEM, Accepted, FieldProblem, Insurer, Insurers, Problem, problem

BODY_BYTES_MAX: Final = 60 * 1024
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""A little less than the aggregator takes, which wraps the application."""
_TOO_MANY: Final = "Слишком много заявлений подряд."
_DOWN: Final = "Сервис подбора сейчас не отвечает. Заявление не потеряно."
_OURS: Final = "На нашей стороне ошибка. Мы уже разбираемся."
_INVALID: Final = 422
_AWAY: Final = 503
_is_json: Final = re.compile(r"application/json\s*(;|$)", re.IGNORECASE).match
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    422: {"model": Problem, "description": "Fields to mend; nothing is stored"},
    429: {"model": Problem, "description": "Too many applications of one customer; see `Retry-After`"},
    503: {"model": Problem, "description": "The aggregator is down: repeat it with the same `Idempotency-Key`"},
}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["application"],
                    "properties": {
                        "application": {"type": "object", "description": "ApplicationInput of the schema"},
                        "insurerIds": {"type": "array", "items": {"type": "string"}, "description": "These alone"},
                    },
                }
            }
        },
    }
}

router: Final = APIRouter()


class _Refused(Exception):
    """The HTTP request itself is wrong."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.response = problem(status, title)


class _Submission(msgspec.Struct, rename="camel"):
    application: dict[str, Any]
    insurer_ids: list[str] | None = None


async def _submission(request: Request) -> _Submission | JSONResponse:
    """What the body has; its content is checked by the aggregator alone."""
    try:
        body = await _limited_body(request)
    except _Refused as refused:
        return refused.response
    try:
        return msgspec.json.decode(body, type=_Submission)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if body.startswith(_BYTE_ORDER_MARKS):
            return problem(400, "Тело начинается с метки порядка байтов (BOM): ожидается JSON в UTF-8 без неё.")
        return problem(400, "Ожидается JSON с объектом application.")


async def _limited_body(request: Request) -> bytes:
    if not _is_json(request.headers.get("content-type", "")):
        raise _Refused(415, "Content-Type: ожидается application/json.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise _Refused(413, "Заявление слишком большое.")
    except ClientDisconnect:
        raise _Refused(400, "Тело запроса оборвалось.") from None
    return bytes(body)


SubmissionKey = Annotated[
    str, Header(alias="Idempotency-Key", pattern="^[A-Za-z0-9-]{8,64}$", description="A new one for each submission.")
]


@router.post(
    "/applications", status_code=202, response_model=Accepted, responses=_PROBLEMS, openapi_extra=_BODY, tags=["apply"]
)
async def submit(
    request: Request,
    key: SubmissionKey,
    submission: Annotated[_Submission | JSONResponse, Depends(_submission)],
) -> Response:
    """Takes an application and answers at once: the number, and the token to watch the offers with."""
    if isinstance(submission, JSONResponse):
        return submission
    signer: CustomerSigner = request.app.state.signer
    limits: SubmissionLimits = request.app.state.limits
    known = signer.customer_of(request)
    address = address_of(request)
    if wait_s := limits.take(known and known.id, address):
        return problem(429, _TOO_MANY, retry_after_s=wait_s)
    customer = known or signer.new_customer()
    response = await _submitted(request, number_of(customer.id, key), customer.id, submission)
    if response.status_code in {_INVALID, _AWAY}:
        limits.give_back(known and known.id, address)
    introduce(response, request, customer)
    return response


async def _submitted(request: Request, number: str, customer_id: str, submission: _Submission) -> Response:
    aggregator: Aggregator = request.app.state.aggregator
    try:
        result = await aggregator.create(number, customer_id, submission.application, submission.insurer_ids)
    except AggregatorDown as down:
        return problem(503, _DOWN, number=number, retry_after_s=down.retry_after_s)
    except AggregatorRefuses:
        return problem(502, _OURS, number=number)
    match result["__typename"]:
        case "QuoteRequestAccepted":
            applications: Applications = request.app.state.applications
            asked = result["quoteRequest"]
            applications.remember(number, customer_id, asked["id"], remaining_s=asked["remainingSeconds"])
            return _accepted(number, result)
        case "InvalidApplication":
            return problem(_INVALID, "Пожалуйста, проверьте заявление.", problems=result["problems"])
        case _:
            return problem(429, _TOO_MANY, retry_after_s=result["retryAfterSeconds"])


def _accepted(number: str, result: Mapping[str, Any]) -> Response:
    asked = result["quoteRequest"]
    place = f"/applications/{number}"
    accepted = Accepted(
        number=number,
        request_id=asked["id"],
        watch_token=result["watchToken"],
        expires_at=asked["expiresAt"],
        remaining_seconds=asked["remainingSeconds"],
        insurers=[Insurer(**quote["insurer"]) for quote in asked["quotes"]],
        warnings=[FieldProblem(**one) for one in result["warnings"]],
        events=f"{place}/events",
    )
    return JSONResponse(accepted.model_dump(by_alias=True), 202, headers={"Location": place})


Number = Annotated[str, Path(pattern="^[0-9A-Z-]{14}$", examples=["7K3M-94QT-XW2P"])]


def application_of_customer(request: Request, number: str) -> Application | None:
    """None if there is none, or none of the customer that the cookie proves."""
    applications: Applications = request.app.state.applications
    signer: CustomerSigner = request.app.state.signer
    customer = signer.customer_of(request)
    return applications.find(number, customer.id) if customer else None


@router.get("/applications/{number}", tags=["apply"], responses={404: {"model": Problem, "content": {PROBLEM: {}}}})
async def look(request: Request, number: Number) -> Response:
    """How far an application of this customer is."""
    found = application_of_customer(request, number)
    if found is None:
        return problem(404, "Такого заявления нет.")
    aggregator: Aggregator = request.app.state.aggregator
    try:
        seen = await aggregator.look(found.request_id)
    except AggregatorDown as down:
        return problem(503, _DOWN, number=number, retry_after_s=down.retry_after_s)
    except AggregatorRefuses:
        return problem(502, _OURS, number=number)
    return JSONResponse({"number": number, "requestId": found.request_id, **(seen or {})})


@router.get("/insurers", response_model=Insurers, responses={503: {"model": Problem}}, tags=["apply"])
async def insurers(request: Request) -> Response:
    """The receivers of an application: a customer's consent names them."""
    aggregator: Aggregator = request.app.state.aggregator
    try:
        known = Insurers(insurers=[Insurer(**one) for one in await aggregator.insurers()])
    except (AggregatorDown, AggregatorRefuses):
        return problem(503, _DOWN)
    return JSONResponse(known.model_dump(by_alias=True), headers={"Cache-Control": "private, max-age=60"})
