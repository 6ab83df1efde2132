"""Answers as insurers really write them, through each adapter, circuit and limits: what is meant by them is understood."""

import pytest
from support.desk import answer, asked, desk

from app.domain.quote import NoOffer, Offer, ReasonCode, failed
from workers.adapters.wire import _as_json

MARK = b"\xef\xbb\xbf"
OFFER = b'{"status": "offered", "offer": {"number": "A1", "premium": "5432.10", "currency": "RUB"}}'
TOKEN = b'{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}'
ACCEPTED = answer(b'{"applicationId": "7"}', 202)
POLLED = {"post": ACCEPTED, "get": answer(MARK + OFFER)}
BUSINESS = b'{"result": true, "data": %s}'


@pytest.mark.parametrize(
    ("adapter", "answers"),
    [
        ("rest-poll", POLLED | {"post": answer(MARK + b'{"applicationId": "7"}', 202)}),
        ("rest-sync", {"post": answer(MARK + OFFER)}),
        ("callback", POLLED),
        ("rest-oauth2", {"token": answer(MARK + TOKEN), "post": answer(MARK + OFFER)}),
        ("business-200", {"post": answer(MARK + BUSINESS % OFFER)}),
    ],
)
async def test_a_byte_order_mark_is_skipped(adapter: str, answers: dict[str, bytes]) -> None:
    """1C writes one before its JSON (RFC 8259, 8.1)."""
    found, _ = await asked(adapter, answers)
    assert isinstance(found, Offer), found


@pytest.mark.parametrize(
    "half", [rb"\ud800", rb"\uDC00", rb"https://ins.example/\uD83D", rb"\\\udfff", rb"\ud83d\ud83d\ude00"]
)
async def test_half_a_character_costs_its_field_alone(half: bytes) -> None:
    """Half a surrogate pair, as a text cut at its 1000th character has it: an optional field is dropped, and no other read."""
    for field in (b"purchaseUrl", b"validUntil", b"comment"):
        found, _ = await asked(
            "rest-sync", {"post": answer(OFFER.replace(b'"number"', b'"%b": "%b", "number"' % (field, half)))}
        )
        assert isinstance(found, Offer), found
        assert found.purchase_url is None
    found, _ = await asked("rest-sync", {"post": answer(OFFER.replace(b"A1", half))})
    assert found == failed(ReasonCode.INSURER_PROTOCOL)
    found, _ = await asked("rest-sync", {"post": answer(b'{"code": "NO_TRAMS", "message": "%b"}' % half, 422)})
    assert isinstance(found, NoOffer)
    assert found.reason.insurer_code == "NO_TRAMS"


async def test_a_character_in_two_halves_is_one() -> None:
    """Two escapes make one; behind an escaped backslash `ud83d` is five letters."""
    number = rb"A\ud83d\ude97 \\ud83d"
    found, _ = await asked("rest-sync", {"post": answer(OFFER.replace(b"A1", number))})
    assert isinstance(found, Offer), found
    assert found.number == "A\U0001f697 \\ud83d"


@pytest.mark.parametrize(
    "fields",
    [
        b'"extras": [{"code": "A", "name": "\xcf\xee\xeb\xe8\xf1", "price": "1"}, {"code": "B", "name": "\xcf", "price": "2"}]',
        b'"comment": "\xcf\xee\xeb\xe8\xf1", "purchaseUrl": "https:\\/\\/sever.example\\/1"',
    ],
)
async def test_bytes_that_are_no_utf_8_cost_their_field_alone(fields: bytes) -> None:
    """Windows-1251 from an old system, in two extras of one name each, or beside an escape."""
    found, _ = await asked("rest-sync", {"post": answer(OFFER.replace(b'"number"', fields + b', "number"'))})
    assert isinstance(found, Offer), found
    assert found.extras == ()
    assert (found.purchase_url is not None) == (b"purchaseUrl" in fields)


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (rb"\\ud800", rb"\\ud800"),
        (rb"\\\ud800", rb"\\\u0000"),
        (rb"\ud83d\ude97", rb"\ud83d\ude97"),
        (rb"\ud83d\ud83d\ude97\ude97", rb"\u0000\ud83d\ude97\u0000"),
        (rb"\n\t\" \u00e9 \uD83D", rb"\n\t\" \u00e9 \u0000"),
        (rb"\ud83", rb"\ud83"),
        (rb"\ud800" + b"\\", rb"\u0000" + b"\\"),
        (rb"\n" * 50_000 + rb"\ud800" * 3, rb"\n" * 50_000 + rb"\u0000" * 3),
    ],
    ids=lambda value: value[:20].decode(),
)
def test_halves_of_characters_are_found_among_other_escapes(body: bytes, read: bytes) -> None:
    """Each becomes the character that no field may have."""
    assert _as_json(body) == read


async def test_a_byte_order_mark_before_a_refusal_hides_no_code() -> None:
    """The refusal would still be one; its code would be lost."""
    found, _ = await asked("rest-sync", {"post": answer(MARK + b'{"code": "NO_TRAMS"}', 422)})
    assert isinstance(found, NoOffer)
    assert found.reason.insurer_code == "NO_TRAMS"


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": "offered", "offer": {"number": "A", "premium": "5432.10", "premium": "1.00", "currency": "RUB"}}',
        b'{"status": "offered", "offer": {"number": "A", "premium": "5432.10", "prem\\u0069um": "1", "currency": "RUB"}}',
        b'{"status": "processing", "status": "offered", "offer": {"number": "A", "premium": "5", "currency": "RUB"}}',
        OFFER[:-1] + b', "offer": {"number": "A1", "premium": "1.00", "currency": "RUB"}}',
    ],
)
async def test_a_name_that_stands_twice_is_no_json_that_was_agreed(body: bytes) -> None:
    """Of two premiums neither is taken: the lower one might win a comparison wrongly."""
    found, _ = await asked("rest-sync", {"post": answer(body)})
    assert found == failed(ReasonCode.INSURER_PROTOCOL)


async def test_the_same_name_in_two_objects_is_no_double() -> None:
    """`code` of a reason and of something else beside it; escapes in texts."""
    body = OFFER[:-1] + b', "extras": [{"code": "a \\"x\\": "}, {"code": "b"}], "number": 10000000000000000000000}'
    found, _ = await asked("rest-sync", {"post": answer(body)})
    assert isinstance(found, Offer), found


def soap(content: str) -> bytes:
    space = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<s:Envelope xmlns:s="{space}"><s:Body>{content}</s:Body></s:Envelope>'.encode()


def fault(side: str, code: str = "", retry_after: str = "") -> bytes:
    wait = f"<retryAfter>{retry_after}</retryAfter>" if retry_after else ""
    detail = f"<detail><code>{code}</code>{wait}</detail>" if code else ""
    return soap(f"<s:Fault><faultcode>{side}</faultcode><faultstring>x</faultstring>{detail}</s:Fault>")


NIL = '<validUntil xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'


@pytest.mark.parametrize(
    "more",
    [NIL, "<validUntil/>", "<validUntil> </validUntil>", "<validUntil>31.12.2027</validUntil>", "<coefficients/>",
     "<coefficients><power>x</power></coefficients>", "<purchaseUrl/>", "<new><x/></new>"],
)  # fmt: skip
async def test_an_optional_element_that_holds_nothing_costs_no_offer(more: str) -> None:
    """It is read as absent; blanks around a required value are no part of it."""
    offer = f"<offer><number>A1</number><premium>\n 5432.10 </premium><currency>RUB</currency>{more}</offer>"
    reply = answer(soap(f"<Answer><status>\n  Offered\n</status>{offer}</Answer>"))
    found, _ = await asked("soap", {"post": reply})
    assert isinstance(found, Offer), found
    assert (found.number, str(found.premium.amount), found.valid_until) == ("A1", "5432.10", None)


PAGE = b"<html><body>out of order</body></html>"


@pytest.mark.parametrize(
    ("adapter", "reply", "reason", "calls"),
    [
        ("soap", answer(fault("soap:Client", "AccessDenied"), 500), "INSURER_CREDENTIALS", 1),
        ("soap", answer(fault("soap:Client", "AccessDenied"), 200), "INSURER_CREDENTIALS", 1),
        ("soap", answer(fault("soap:Client", "AccessDenied"), 503), "INSURER_CREDENTIALS", 1),
        ("soap", answer(fault("soap:Client", "Whatever"), 500), "INSURER_REJECTED", 1),
        ("soap", answer(fault("soap:Client"), 500), "INSURER_REJECTED", 1),
        ("soap", answer(fault("soap:Client"), 400), "INSURER_REJECTED", 1),
        ("soap", answer(fault("soap:Client.Authentication"), 500), "INSURER_CREDENTIALS", 1),
        ("soap", answer(fault("soap:Client"), 401), "INSURER_CREDENTIALS", 1),
        ("soap", answer(fault("soap:Server"), 500), "INSURER_UNREACHABLE", 3),
        ("soap", answer(fault("soap:Server"), 200), "INSURER_UNREACHABLE", 3),
        ("soap", answer(PAGE, 500), "INSURER_UNREACHABLE", 3),
        ("soap", answer(PAGE, 403), "INSURER_CREDENTIALS", 1),
        ("soap", answer(soap("<x/>"), 500), "INSURER_UNREACHABLE", 3),
        ("business-200", answer(BUSINESS % b'{"status": "error", "error": {"code": "ACCESS_DENIED"}}', 500),
         "INSURER_CREDENTIALS", 1),
        ("business-200", answer(BUSINESS % b'{"status": "error", "error": {"code": "ACCESS_DENIED"}}', 400),
         "INSURER_CREDENTIALS", 1),
        ("business-200", answer(BUSINESS % b'{"status": "error", "error": {"code": "NEW"}}', 500),
         "INSURER_UNREACHABLE", 3),
        ("business-200", answer(BUSINESS % b'{"status": "error", "error": {"code": "NEW"}}'), "INSURER_REJECTED", 1),
        ("business-200", answer(BUSINESS % OFFER, 500), "INSURER_UNREACHABLE", 3),
        ("business-200", answer(PAGE, 502), "INSURER_UNREACHABLE", 3),
        ("rest-sync", answer(OFFER, 500), "INSURER_UNREACHABLE", 3),
        ("rest-sync", answer(b'{"status": "declined"}', 500), "INSURER_UNREACHABLE", 3),
        ("rest-poll", answer(b'{"reason": {"code": "NO"}}', 500), "INSURER_UNREACHABLE", 3),
    ],
)  # fmt: skip
async def test_what_a_body_says_counts_where_a_status_says_no_more(
    adapter: str, reply: bytes, reason: str, calls: int
) -> None:
    """A fault is read from a response of any status; a status without one means what it always means."""
    found, insurer = await asked(adapter, {"post": reply, "get": reply})
    assert (found, insurer.calls("post")) == (failed(ReasonCode(reason)), calls)


@pytest.mark.parametrize("adapter", ["rest-sync", "rest-poll", "callback", "rest-oauth2"])
async def test_a_refusal_in_a_500_is_a_refusal(adapter: str) -> None:
    """Its JSON is as agreed: the insurer is asked once, and the code is kept."""
    refusal = answer(MARK + b'{"status": "declined", "reason": {"code": "NO_TRAMS"}}', 500)
    found, insurer = await asked(adapter, {"token": answer(TOKEN), "post": refusal})
    assert isinstance(found, NoOffer)
    assert (found.status, found.reason.insurer_code) == ("DECLINED", "NO_TRAMS")
    assert insurer.calls("post /") - insurer.calls("token") == 1


async def test_faults_of_ours_in_500_do_not_open_the_circuit() -> None:
    """A dozen refused logins say nothing about whether the insurer works: the next one is asked as ever."""
    async with desk("soap", {"post": answer(fault("soap:Client", "AccessDenied"), 500)}) as (asking, insurer):
        for _ in range(12):
            assert await asking.ask() == failed(ReasonCode.INSURER_CREDENTIALS)
        assert insurer.calls("post") == 12


@pytest.mark.parametrize("retry_after", ["0", "Wed, 21 Oct 2015 07:28:00 +99999999999999999999", "9" * 50, "nonsense"])
async def test_a_busy_insurer_is_not_asked_without_a_pause(retry_after: str) -> None:
    """By HTTP, SOAP and errors in bodies, with any Retry-After: a few calls in the time left, not thousands."""
    business = BUSINESS % (
        b'{"status": "error", "error": {"code": "TOO_MANY_REQUESTS", "retryAfter": "%s"}}' % retry_after.encode()
    )
    cases = [
        ("rest-sync", answer(b"", 429, b"retry-after: " + retry_after.encode())),
        ("soap", answer(fault("soap:Server", "Busy", retry_after), 500)),
        ("business-200", answer(business)),
    ]
    for adapter, reply in cases:
        async with desk(adapter, {"post": reply}) as (asking, insurer):
            assert await asking.ask(within_s=0.5) in (None, failed(ReasonCode.INSURER_UNREACHABLE))
        assert 2 <= insurer.calls("post") <= 100


@pytest.mark.parametrize(
    "lifetime",
    [
        b'"3600"',
        b"3600",
        b'" 3600.0 "',
        b'"soon"',
        b"null",
        b"-1",
        b"0",
        b'"0"',
        b"-0.0",
        b"0.001",
        b'"nan"',
        b"1e308",
        b"[]",
        b"1e999",
        b"true",
        b"9" * 400,
        rb'"\ud800"',
    ],
)
async def test_a_token_with_an_unreadable_lifetime_is_used(lifetime: bytes) -> None:
    """A text where a number belongs, or nothing that can be read: fetched once for two applications."""
    token = answer(b'{"access_token": "t", "token_type": "bearer", "expires_in": %s}' % lifetime)
    async with desk("rest-oauth2", {"token": token, "post": answer(OFFER)}) as (asking, insurer):
        for _ in range(2):
            assert isinstance(await asking.ask(), Offer)
        assert insurer.calls("token") == 1


@pytest.mark.parametrize(
    "reply",
    [
        *(
            answer(b'{"error": "%s"}' % code, 400)
            for code in (b"invalid_client", b"unauthorized_client", b"invalid_scope")
        ),
        answer(MARK + b'{"error": "invalid_client", "error_description": "x"}', 400),
        answer(b'{"error": "invalid_client"}', 401),
        answer(PAGE, 400),
        answer(PAGE, 404),
        answer(b"", 403),
    ],
)
async def test_a_client_that_gets_no_token_has_wrong_credentials(reply: bytes) -> None:
    """RFC 6749 (5.2) says it with a 400: asked once, and the alert for credentials rings."""
    found, insurer = await asked("rest-oauth2", {"token": reply})
    assert (found, len(insurer.lines)) == (failed(ReasonCode.INSURER_CREDENTIALS), 1)


@pytest.mark.parametrize(("id_", "remembered"), [("7", ["7"]), ("~", [])])
async def test_an_id_that_reads_as_ours_is_used_and_not_remembered(id_: str, remembered: list[str]) -> None:
    """`~` marks a create that was sent: a worker that took the job over would give it up."""
    created = answer(b'{"applicationId": "%b"}' % id_.encode(), 202)
    async with desk("rest-poll", {"post": created, "get": answer(OFFER)}) as (asking, _):
        assert isinstance(await asking.ask(), Offer)
        assert asking.ownership.remembered == remembered


async def test_a_token_with_a_line_end_is_none() -> None:
    """It could not be sent, and would be kept for as long as it says it holds."""
    token = answer(b'{"access_token": "abc\\n", "token_type": "bearer", "expires_in": 86400}')
    answers = {"token": token, "post": answer(OFFER)}
    async with desk("rest-oauth2", answers) as (asking, _):
        assert await asking.ask() == failed(ReasonCode.INSURER_PROTOCOL)
        answers["token"] = answer(TOKEN)
        assert isinstance(await asking.ask(), Offer)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_token_endpoint_that_is_out_of_order_is_asked_again(status: int) -> None:
    """That is no word about the client."""
    found, insurer = await asked("rest-oauth2", {"token": answer(b"", status, b"retry-after: 60")})
    assert (found, len(insurer.lines)) == (failed(ReasonCode.INSURER_UNREACHABLE), 1)
