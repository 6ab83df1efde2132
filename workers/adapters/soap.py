"""`soap`: XML envelopes, and faults inside HTTP 200.

SOAP forbids document types, and so does this: without one there are no entities, neither to expand nor to fetch.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

import msgspec
from lxml import etree

from app.domain.application import Application
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
)
from app.domain.quote import Answer
from app.domain.tariff.formula import Coefficients
from workers.adapters.adapter import Adapter, Created
from workers.adapters.insurer_http import retry_after_s
from workers.adapters.wire import as_created, as_offer, as_refusal, as_wire

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
OSAGO: Final = "urn:sandbox:osago"
DEPTH_MOST: Final = 32
_OK: Final = 200

Fields = Mapping[str, Any]
Shape = TypeVar("Shape")


class _Created(msgspec.Struct, rename="camel"):
    application_id: str


class _InProgress(msgspec.Struct, tag_field="status", tag="InProgress"):
    pass


class _Offer(msgspec.Struct, rename="camel"):
    number: str
    premium: Decimal
    currency: str
    coefficients: Coefficients | None = None
    valid_until: datetime | None = None
    purchase_url: str | None = None


class _Offered(msgspec.Struct, tag_field="status", tag="Offered"):
    offer: _Offer


class _Refusal(msgspec.Struct):
    code: str


class _Refused(msgspec.Struct, tag_field="status", tag="Refused"):
    refusal: _Refusal


class _Detail(msgspec.Struct, rename="camel"):
    code: str
    retry_after: str | None = None


class _Fault(msgspec.Struct):
    faultcode: str
    detail: _Detail


class Soap(Adapter):
    """An insurer of the old school."""

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        fields = await self._call(
            "CreateApplication", {"requestId": idempotency_key, "application": _texts(as_wire(application))}
        )
        if "status" not in fields:
            return as_created(_shaped(fields, _Created).application_id)
        answer = _answer(fields)
        if answer is None:
            raise InsurerProtocol("create: in progress, and no id")
        return answer

    async def poll(self, application_id: str) -> Answer | None:
        return _answer(await self._call("GetStatus", {"applicationId": application_id}))

    async def _call(self, operation: str, fields: Fields) -> Fields:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{OSAGO}/{operation}"'}
        reply = await self.line.http.send("POST", "soap", headers=headers, content=envelope(operation, fields))
        name, read = open_envelope(reply.expect(_OK).body)
        if name == "Fault":
            raise _error(_shaped(read, _Fault), self.line.clock.now())
        return read


def _answer(fields: Fields) -> Answer | None:
    match _shaped(fields, cast("type[_InProgress | _Offered | _Refused]", _InProgress | _Offered | _Refused)):
        case _Offered(offer=offer):
            return as_offer(**msgspec.structs.asdict(offer))
        case _Refused(refusal=refusal):
            return as_refusal(refusal.code)
        case _:
            return None


def _shaped(fields: Fields, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(fields, shape, strict=False)
    except msgspec.ValidationError:
        raise InsurerProtocol("not the XML that was agreed") from None


def _error(fault: _Fault, now: datetime) -> InsurerError:
    """What the codes of this API's faults mean; whose fault it is stands in `faultcode`, where the code is unknown."""
    wait_s = retry_after_s(fault.detail.retry_after, now)
    match fault.detail.code:
        case "Busy":
            return InsurerBusy("fault: busy", wait_s)
        case "AccessDenied":
            return InsurerCredentials("fault: access denied")
        case _ if fault.faultcode.endswith("Server"):
            return InsurerUnavailable("fault of the server", wait_s)
        case _:
            return InsurerRejected("fault of the client")


def envelope(name: str, fields: Fields) -> bytes:
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "o": OSAGO})
    message = etree.SubElement(etree.SubElement(root, f"{{{SOAP}}}Body"), f"{{{OSAGO}}}{name}")
    _write(message, fields)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def open_envelope(body: bytes) -> tuple[str, Fields]:
    """The name of the body's message, and its fields by name: texts, and fields again.

    Raises:
        InsurerProtocol: it is no SOAP, has a document type, or is nested too deeply.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root: Any = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InsurerProtocol("no XML") from error
    if root.getroottree().docinfo.doctype:
        raise InsurerProtocol("XML with a document type")
    found: Any = root.find(f"{{{SOAP}}}Body")
    if found is None or len(found) != 1:
        raise InsurerProtocol("no SOAP")
    fields = _read(found[0], DEPTH_MOST)
    return etree.QName(found[0]).localname, cast("Fields", fields) if isinstance(fields, dict) else {}


def _read(element: Any, depth: int) -> Any:
    if not depth:
        raise InsurerProtocol("XML is nested too deeply")
    parts = [part for part in element if isinstance(part.tag, str)]
    return {etree.QName(part).localname: _read(part, depth - 1) for part in parts} if parts else element.text or ""


def _write(element: Any, fields: Fields) -> None:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            _write(etree.SubElement(element, name), cast("Fields", value))
        elif isinstance(value, list):
            listed = etree.SubElement(element, name)
            for one in cast("list[Fields]", value):
                _write(etree.SubElement(listed, "driver"), one)
        else:
            etree.SubElement(element, name).text = value


def _texts(value: Any) -> Any:
    """What XML can hold: texts, and nothing else."""
    if isinstance(value, dict):
        return {name: _texts(part) for name, part in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_texts(part) for part in cast("list[Any]", value)]
    return str(value).lower() if isinstance(value, bool) else str(value)
