"""`soap`: envelopes, and faults inside HTTP 200."""

from http import HTTPStatus
from typing import Any, ClassVar, Final, cast

import msgspec
from lxml import etree

from app.domain.application import Application
from sandbox.insurers.model.handle import Desk
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.outcome import Refusal
from sandbox.insurers.model.priced_application import Unpriceable, from_fields
from sandbox.insurers.model.replies import Offered, Reply, Said
from sandbox.insurers.wire.dialects.dialect import Create, Dialect, Poll

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
OSAGO: Final = "urn:sandbox:osago"
_XML: Final = "text/xml; charset=utf-8"
_CODES: Final = {401: "AccessDenied", 403: "AccessDenied", 404: "NotFound", 408: "Timeout", 425: "Timeout", 429: "Busy"}
_SERVER: Final = frozenset({408, 425, 429})


class Soap(Dialect):
    """`POST /soap` with `CreateApplication` or `GetStatus` in the body."""

    paths: ClassVar = (("POST", "/soap"),)
    errors_in_bodies: ClassVar = True

    def read(self, call: Call, body: bytes, desk: Desk) -> Create | Poll | Reply:
        try:
            root: Any = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
            message: Any = root.find(f"{{{SOAP}}}Body")[0]
            fields = {etree.QName(part).localname: part for part in message}
            if etree.QName(message).localname == "GetStatus":
                return Poll(fields["applicationId"].text or "")
            key: str = fields["requestId"].text or ""
            application = fields["application"]
        except (etree.XMLSyntaxError, TypeError, KeyError, IndexError):
            return self.error(HTTPStatus.BAD_REQUEST, "not as agreed")
        return Create(key=key, read=lambda: _application(application))

    def created(self, application_id: str) -> Reply:
        return _envelope("CreateApplicationResponse", {"applicationId": application_id})

    def said(self, said: Said | None) -> Reply:
        match said:
            case None:
                return _envelope("GetStatusResponse", {"status": "InProgress"})
            case Offered():
                return _envelope("GetStatusResponse", {"status": "Offered", "offer": _offer(said)})
            case Refusal():
                refusal: dict[str, Any] = {"code": said.code, "message": said.message}
                if said.problems:
                    refusal["problems"] = [
                        {"problem": {"path": [{"part": part} for part in one.path], "code": one.code}}
                        for one in said.problems
                    ]
                return _envelope("GetStatusResponse", {"status": "Refused", "refusal": refusal})

    def error(self, status: int, code: str, retry_after: str | None = None) -> Reply:
        is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _SERVER
        default = "Internal" if is_ours else "BadRequest"
        detail = {"code": _CODES.get(status, default), "message": code}
        if retry_after is not None:
            detail["retryAfter"] = retry_after
        fault = etree.Element(f"{{{SOAP}}}Fault")
        etree.SubElement(fault, "faultcode").text = "soap:Server" if is_ours else "soap:Client"
        etree.SubElement(fault, "faultstring").text = "Ошибка"
        fault.append(_element("detail", detail))
        return _enclosed(fault)


def _application(element: Any) -> tuple[Application, bytes]:
    return from_fields(_fields(element))


def _fields(element: Any) -> Any:
    """Elements as values: text, a list of what repeats, or fields by name."""
    parts = list(element)
    if not parts:
        return element.text or ""
    names = [etree.QName(part).localname for part in parts]
    if set(names) == {"driver"}:
        return [_fields(part) for part in parts]
    if len(set(names)) < len(names):
        raise Unpriceable("an element stands twice")
    return {name: _fields(part) for name, part in zip(names, parts, strict=True)}


def _offer(offer: Offered) -> dict[str, Any]:
    """Names of its own, and a date with an offset without colon: XML found in the wild."""
    fields: dict[str, Any] = {"number": offer.number, "premium": offer.premium, "currency": offer.currency}
    if offer.coefficients:
        factors = msgspec.structs.asdict(offer.coefficients)
        drivers = factors.pop("drivers") or ()
        fields["coefficients"] = factors
        if drivers:
            factors["drivers"] = [{"driver": msgspec.structs.asdict(driver)} for driver in drivers]
    if offer.valid_until is not None:
        fields["validUntil"] = offer.valid_until
    if offer.purchase_url is not None:
        fields["purchaseUrl"] = offer.purchase_url
    if offer.total is not None:
        fields["total"] = offer.total
    if offer.extras:
        fields["extras"] = [{"extra": dict(extra)} for extra in offer.extras]
    if offer.starts_on is not None:
        fields["startsOn"] = offer.starts_on
    if offer.territory_assumed:
        fields["territoryAssumed"] = "true"
    return fields


def _envelope(name: str, fields: dict[str, Any]) -> Reply:
    return _enclosed(_element(f"{{{OSAGO}}}{name}", fields))


def _element(name: str, fields: dict[str, Any]) -> Any:
    element = etree.Element(name)
    for key, value in fields.items():
        if isinstance(value, dict):
            element.append(_element(key, cast("dict[str, Any]", value)))
        elif isinstance(value, list):
            listed = etree.SubElement(element, key)
            for one in cast("list[dict[str, Any]]", value):
                listed.extend(_element(key, one))
        else:
            etree.SubElement(element, key).text = _legal("true" if value is True else str(value))
    return element


def _legal(text: str) -> str:
    """What XML can say at all: control characters cannot be written."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _enclosed(content: Any) -> Reply:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "o": OSAGO})
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(content)
    return Reply(HTTPStatus.OK, etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"), media_type=_XML)
