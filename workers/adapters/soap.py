"""`soap`: XML envelopes, and faults inside HTTP 200 or, as SOAP 1.1 (6.2) wants it, 500.

SOAP forbids document types, and so does this: without one there are no entities, neither to expand nor to fetch.
"""

import re
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
from workers.adapters.adapter import Adapter, Created
from workers.adapters.transport.insurer_http import Reply
from workers.adapters.transport.retry_after import retry_after_s
from workers.adapters.wire import as_created, as_offer, as_refusal, as_wire

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
OSAGO: Final = "urn:sandbox:osago"
DEPTH_MAX: Final = 32
ELEMENTS_MAX: Final = 5000
"""An offer with all that it may have, an element for each, has some 300."""
_LISTS: Final = frozenset({"extras", "problems", "drivers", "path"})
"""Elements with the parts of a list, under any names."""
_OK: Final = 200
_ERRORS: Final = range(400, 600)
_FAULTY: Final = frozenset({_OK, 400, 500})
"""Statuses that say no more than the fault in the body."""
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_BLANKS: Final = re.compile("[ \t\r\n]+")
"""XML's own; a non-breaking space is a letter."""

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
    coefficients: Any = None
    total: Any = None
    extras: Any = None
    starts_on: Any = None
    valid_until: Any = None
    purchase_url: Any = None


class _Offered(msgspec.Struct, tag_field="status", tag="Offered"):
    offer: _Offer


class _Refusal(msgspec.Struct):
    code: str
    problems: Any = None


class _Refused(msgspec.Struct, tag_field="status", tag="Refused"):
    refusal: _Refusal


class _Detail(msgspec.Struct, rename="camel"):
    code: str = ""
    retry_after: Any = None


class _Fault(msgspec.Struct):
    faultcode: str
    detail: _Detail | str | None = None
    """A text, where it holds no elements."""


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
        content = envelope(operation, fields)
        reply = await self.line.http.send("POST", "soap", headers=headers, content=content, reads=_ERRORS)
        try:
            name, read = open_envelope(reply.body)
            fault = _shaped(read, _Fault) if name == "Fault" else None
        except InsurerProtocol:
            reply.expect(_OK)  # a status that is an error says more than a body that is none
            raise
        if fault is not None:
            raise _error(fault, self.line.clock.now(), reply)
        reply.expect(_OK)
        return read


def _answer(fields: Fields) -> Answer | None:
    match _shaped(fields, cast("type[_InProgress | _Offered | _Refused]", _InProgress | _Offered | _Refused)):
        case _Offered(offer=offer):
            return as_offer(**msgspec.structs.asdict(offer))
        case _Refused(refusal=refusal):
            return as_refusal(refusal.code, refusal.problems)
        case _:
            return None


def _shaped(fields: Fields, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(fields, shape, strict=False)
    except msgspec.ValidationError:
        raise InsurerProtocol("not the XML that was agreed") from None


def _error(fault: _Fault, now: datetime, reply: Reply | None = None) -> InsurerError:
    """The error of this API's fault codes; for an unknown code `faultcode` names the side at fault.

    A status that says more than that there is a fault (a gateway's 401 or 503) has the last word on an unknown code.
    """
    detail = fault.detail if isinstance(fault.detail, _Detail) else _Detail()
    wait_s = retry_after_s(detail.retry_after, now)
    wait_s = reply.retry_after_s if wait_s is None and reply is not None else wait_s
    side, _, kind = fault.faultcode.rpartition(":")[2].partition(".")
    if detail.code == "Busy":
        return InsurerBusy("fault: busy", wait_s)
    if detail.code == "AccessDenied" or kind == "Authentication":
        return InsurerCredentials("fault: access denied")
    if reply is not None and reply.status not in _FAULTY:
        return reply.fault() or InsurerProtocol("a fault in a success")
    if side == "Server":
        return InsurerUnavailable("fault of the server", wait_s)
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
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root: Any = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InsurerProtocol("no XML") from error
    if root.getroottree().docinfo.doctype:
        raise InsurerProtocol("XML with a document type")
    if root.xpath("count(//*)") > ELEMENTS_MAX:
        raise InsurerProtocol("XML with too many elements")
    bodies: list[Any] = root.findall(f"{{{SOAP}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise InsurerProtocol("no SOAP")
    [message] = bodies[0]
    fields = _read(message, DEPTH_MAX)
    return etree.QName(message).localname, cast("Fields", fields) if isinstance(fields, dict) else {}


def _read(element: Any, depth: int) -> Any:
    """The whole text of an element, its blanks collapsed as XML Schema has it, or its elements; None where it is nil."""
    if not depth:
        raise InsurerProtocol("XML is nested too deeply")
    if _blanks_collapsed(element.get(_NIL, "")) in ("true", "1"):
        return None
    text = _blanks_collapsed(element.text)
    if not len(element):
        return text
    if etree.QName(element).localname in _LISTS:
        return [_read(part, depth - 1) for part in element]
    fields: dict[str, Any] = {}
    for part in element:
        name = etree.QName(part).localname
        if name in fields or text or _blanks_collapsed(part.tail):
            raise InsurerProtocol("an element that stands twice, or text beside elements")
        fields[name] = _read(part, depth - 1)
    return {name: value for name, value in fields.items() if value is not None}


def _blanks_collapsed(text: str | None) -> str:
    return _BLANKS.sub(" ", text).strip(" ") if text else ""


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
    """The value as XML can hold it: texts, and nothing else."""
    if isinstance(value, dict):
        return {name: _texts(part) for name, part in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_texts(part) for part in cast("list[Any]", value)]
    return str(value).lower() if isinstance(value, bool) else str(value)
