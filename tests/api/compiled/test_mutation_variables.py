"""Variables read by a plan mean what graphql-core makes of them; those that a plan refuses are left to graphql-core."""

import contextlib
import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from graphql import parse
from graphql.execution.values import get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st
from support.applications import valid_application

from app.api.compiled.mutation_plan import compile_plan
from app.api.graphql_errors import BadHttpRequest
from app.api.graphql_request import decode_request
from app.api.schema.build import GRAPHQL
from app.domain.application import Person
from app.domain.errors import InvalidApplication
from app.domain.intake.careful_reader import read_carefully
from app.domain.intake.formats import Broken
from app.intake.new_request import (
    IntakeRules,
    NewRequestInput,
    moscow_day,
    new_request_table,
    read_new_request,
    read_plain,
)

DOCUMENT = parse(
    "mutation ($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename } }", no_location=True
)
DEFINITIONS = DOCUMENT.definitions[0].variable_definitions  # type: ignore[attr-defined]
PLAN = compile_plan(GRAPHQL, DOCUMENT, None)
NOW = datetime.now(UTC)
NOW_IN_MOSCOW = moscow_day(NOW)
RULES = IntakeRules.of("sever", "volga")


def an_input() -> dict[str, Any]:
    application = json.loads(json.dumps(valid_application(NOW.date()), default=str))
    return {"customerId": "customer-1", "clientReference": "a-1", "insurerIds": ["sever"], "application": application}


def paths(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    yield path
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*path, key))


NEW_REQUEST = an_input()
PLACES = [path for path in paths(NEW_REQUEST) if path]
ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2021, 2021.0, 1e308, 2**31 - 1, 2**31, -(2**31) - 1, 2**70, "", " ", "0"),
        *("NaN", "sNaN", "Infinity", "1e5", "1_0", "١٢٢", "122\n", "+122", "122.50", "9" * 16, ".5"),
        *("2021-09-14", "20210914", "2021-9-14", "2021-09-14T00:00:00", "2021-W37-2", "0000-01-01", "2021-02-30"),
        *("2021-09-14\n", "B", "b", "PERSONAL", "TRAM", "Лада", "\x00", "😀", "\u202e"),
        *([], {}, [None], [[]], {"listed": []}, {"unlimited": True}, {"unlimited": False}, {"unlimited": None}),
        *({"listed": [], "unlimited": None}, {"listed": None, "unlimited": True}, {"listed": None}, ["sever", None]),
    ]
).map(copy.deepcopy) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
LITERALS = st.sampled_from(
    [
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        "NaN",
        "Infinity",
        "-0",
        "1E2",
        "01",
        '"\t"',
        "1.0",
    ]
)
MARK = "\ue000 here \ue000"


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """The variables as JSON, with some of it changed, left out, added, or written in an odd way."""
    new_request = copy.deepcopy(NEW_REQUEST)
    for _ in range(draw(st.integers(0, 3))):
        change(draw, new_request)
    text = json.dumps({"input": new_request}, ensure_ascii=draw(st.booleans()))
    for mark in (json.dumps(MARK), f'"{MARK}"'):
        text = text.replace(mark, draw(LITERALS))
    if draw(st.booleans()):  # a name twice: the last one counts
        text = text.replace('"customerId"', f'"customerId": {json.dumps(draw(ODD))}, "customerId"', 1)
    return text.encode(errors="surrogatepass")


def change(draw: st.DrawFn, new_request: dict[str, Any]) -> None:
    *way, last = draw(st.sampled_from(PLACES))
    place: Any = new_request
    for key in way:
        try:
            place = place[key]
        except (KeyError, IndexError, TypeError):
            return
    match draw(st.sampled_from(["put", "put", "put", "literal", "drop", "add"])), place:
        case "put", dict():
            place[last] = draw(ODD)
        case "literal", dict():
            place[last] = MARK
        case "drop", dict():
            place.pop(last, None)
        case "add", dict():
            place[draw(st.sampled_from(["unknown", "first_name", "__typename", "vin", "unlimited", "owner"]))] = draw(
                ODD
            )
        case _, list() if isinstance(last, int) and last < len(place):
            place[last] = draw(ODD)
        case _:
            pass


def planned(body: bytes) -> NewRequestInput | None:
    """What a plan makes of the variables; None where it leaves them to graphql-core."""
    try:
        asked = decode_request(b'{"query": "q", "variables": ' + body + b"}")
        variables = PLAN.read(asked.variables or {})
        return read_plain(variables.input, now=NOW, rules=RULES) if variables else None
    except (BadHttpRequest, Broken):
        return None


def coerced(body: bytes) -> Any:
    """What graphql-core makes of them; None where it says that they are wrong."""
    try:
        asked = decode_request(b'{"query": "q", "variables": ' + body + b"}")
    except BadHttpRequest:
        return None
    values: Any = get_variable_values(GRAPHQL, DEFINITIONS, asked.variables or {})
    return None if isinstance(values, list) else getattr(values, "coerced", values)


def became(raw: Any) -> object:
    """The request that the use case would get, or everything that is wrong with it."""
    try:
        return read_new_request(raw, now=NOW, rules=RULES)
    except InvalidApplication as error:
        return error.problems


@settings(max_examples=1000)
@given(st.deferred(lambda: bodies() | plausible_bodies()))
def test_what_a_plan_takes_is_what_graphql_core_would_have_taken(body: bytes) -> None:
    """Equal value by value, after validation."""
    ours = planned(body)
    if ours is None:
        return
    theirs = coerced(body)
    assert theirs is not None, "graphql-core refuses what the plan takes"
    assert ours == became(theirs["input"])


TODAY = NOW.date()
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "date": (st.integers(-45000, 100) | st.integers(-12000, 0)).map(
        lambda days: (TODAY + timedelta(days=days)).isoformat()
    )
    | st.sampled_from([-366, -1, 0, 1, 2, 59, 60, 61]).map(lambda days: (TODAY + timedelta(days=days)).isoformat())
    | st.tuples(st.integers(14, 121), st.integers(-2, 2)).map(
        lambda it: (date(TODAY.year - it[0], TODAY.month, min(TODAY.day, 28)) + timedelta(days=it[1])).isoformat()
    ),
    "number": st.sampled_from([1899, 1900, 2021, 2022, TODAY.year, TODAY.year + 1, TODAY.year + 2, 0, 2, 3, 12, 13]),
    "flag": st.booleans(),
    "text": st.sampled_from(
        [
            *("К456МН799", "k456mh799", "КК45677", "XTAGFL110MY654321", "xtagfl110my654322", "кириллица", "О'Коннор"),
            *("Лада ", " ", "a\u0301", "ann-marie", "4510 987654", "4510987654", "9923456781", "99 23 456781"),
            *("77АВ567812", "77ab567812", "+79031112233", "8 (903) 111-22-33", "+15551112233", "9031112233", "1"),
            *("a@b.ru", "A.B@почта.рф", "a@@b", "a" * 65 + "@b.ru", "0.99", "1", "1500", "1500.01", "+122.50", "0122"),
            *(
                "B",
                "C",
                "TRAM",
                "TAXI",
                "PASSPORT",
                "ELECTRONIC_PASSPORT",
                "REGISTRATION_CERTIFICATE",
                "sever",
                "x" * 501,
            ),
        ]
    ),
}


def kind_of(value: object) -> str | None:
    match value:
        case bool():
            return "flag"
        case int():
            return "number"
        case str():
            return "date" if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else "text"
        case _:
            return None


@st.composite
def plausible_bodies(draw: st.DrawFn) -> bytes:
    """A request in which some values are replaced by others of their kind, or by null, or left out."""
    new_request = copy.deepcopy(NEW_REQUEST)
    for *way, last in draw(st.lists(st.sampled_from(PLACES), max_size=4)):
        place: Any = new_request
        with contextlib.suppress(KeyError, IndexError, TypeError):
            for key in way:
                place = place[key]
            kind = kind_of(place[last])
            if draw(st.integers(0, 5)) == 0:
                place[last] = None
            elif draw(st.integers(0, 9)) == 0:
                del place[last]
            elif kind:
                place[last] = draw(BY_TYPE[kind])
    return json.dumps({"input": new_request}).encode()


@settings(max_examples=2000)
@given(plausible_bodies())
def test_what_is_read_fast_is_what_is_read_with_care(body: bytes) -> None:
    """Both readers interpret one table; a body that the fast reader refuses goes to the careful one."""
    raw = json.loads(body)["input"]
    with contextlib.suppress(Broken):
        read, problems = read_carefully(new_request_table(NOW_IN_MOSCOW, RULES), raw)
        assert (read_plain(raw, now=NOW, rules=RULES), []) == (read, problems)


A_CHILD: Any = {
    "birthDate": (TODAY - timedelta(days=5 * 366)).isoformat(),
    "document": {"kind": "BIRTH_CERTIFICATE", "number": "III-МЮ 123456", "issuedOn": None},
}


@pytest.mark.parametrize(
    ("change", "is_fast"),
    [
        ({"vehicle": {"category": "C"}}, False),
        ({"vehicle": {"category": "C", "maxMassKg": 12000}}, True),
        ({"vehicle": {"category": "TRAM", "licensePlate": "77"}}, True),
        ({"vehicle": {"document": {"kind": "ELECTRONIC_PASSPORT", "number": "164301000000001"}}}, True),
        ({"vehicle": {"document": {"kind": "PASSPORT"}}}, False),
        ({"vehicle": {"vin": None, "bodyNumber": None}}, False),
        ({"vehicle": {"vin": None}}, True),
        ({"vehicle": {"purpose": "TAXI", "licensePlate": "КК45677"}}, True),
        ({"vehicle": {"purpose": None}}, False),
        ({"drivers": {"listed": None, "unlimited": False}}, False),
        ({"drivers": {"listed": None, "unlimited": True}}, True),
        ({"drivers": {"listed": [{"license": {"number": "77АВ567812"}}, {}]}}, False),
        ({"owner": {"person": A_CHILD}}, True),
        ({"owner": {"person": {"birthDate": A_CHILD["birthDate"]}}}, False),
        ({"policyholder": {"person": {"phone": None}}}, False),
        ({"drivers": {"listed": [{"license": {"number": "3ЕМ027123", "country": "BY"}}]}}, True),
        ({"consent": {"givenAt": f"{TODAY + timedelta(days=1)}T23:59:59Z"}}, False),
        ({"consent": None}, True),
        ({"owner": None}, True),
        ({"color": "red"}, False),
    ],
)
def test_what_is_valid_is_read_fast(change: dict[str, Any], is_fast: bool) -> None:  # noqa: FBT001
    """These rules are met by too few of the generated requests."""
    new_request = an_input()
    merge(new_request["application"], change)
    ours = planned(json.dumps({"input": new_request}).encode())
    assert (ours is not None) is is_fast
    assert not is_fast or ours == became(new_request)


def merge(place: Any, change: Any) -> None:
    for key, value in change.items() if isinstance(change, dict) else enumerate(change):
        if isinstance(value, dict | list) and value:
            merge(place[key], value)
        elif value is None and key == "listed":
            del place[key]
        elif value != {}:
            place[key] = value


def test_a_usual_request_is_read_fast() -> None:
    """The property above would also hold for a reader that accepts nothing."""
    ours = planned(json.dumps({"input": NEW_REQUEST}).encode())
    assert ours
    assert isinstance(ours.application.policyholder, Person)
    assert ours.application.policyholder.birth_date == date(1965, 3, 8)


def test_defaults_of_the_schema_are_put_in() -> None:
    """A plan gives a field that is left out the default that graphql-core gives."""
    new_request = an_input()
    for name in ("category", "purpose", "withTrailer"):
        del new_request["application"]["vehicle"][name]
    ours = planned(json.dumps({"input": new_request}).encode())
    assert ours
    vehicle = ours.application.vehicle
    assert (vehicle.category, vehicle.purpose, vehicle.with_trailer) == ("B", "PERSONAL", False)


@pytest.mark.parametrize(
    "drivers",
    [
        {},
        {"listed": None},
        {"unlimited": None},
        {"listed": [], "unlimited": None},
        {"listed": None, "unlimited": True},
        {"listed": [], "unlimited": True},
        {"unlimited": True, "unknown": 1},
    ],
)
def test_one_of_takes_exactly_one_that_is_not_null(drivers: dict[str, Any]) -> None:
    """An explicit null beside a list is two fields."""
    new_request = an_input()
    new_request["application"]["drivers"] = drivers
    body = json.dumps({"input": new_request}).encode()
    assert planned(body) is None
    assert coerced(body) is None


FLAGGED = compile_plan(
    GRAPHQL,
    parse(
        "mutation ($a: Boolean! = false, $input: CreateQuoteRequestInput!, $b: Boolean!) { createQuoteRequest(input: $input) "
        "{ __typename @skip(if: $a) ... on RateLimited @include(if: $b) { retryAfterSeconds } } }"
    ),
    None,
)


@pytest.mark.parametrize(
    ("variables", "flags"),
    [
        ({"b": True}, {"a": False, "b": True}),
        ({"a": True, "b": False, "unknown": 1}, {"a": True, "b": False}),
        ({}, None),
        ({"b": None}, None),
        ({"b": 1}, None),
        ({"b": "true"}, None),
        ({"a": None, "b": True}, None),
    ],
)
def test_variables_of_directives_are_booleans_or_graphql_cores(variables: Any, flags: Any) -> None:
    """Defaults are put in; what is missing or no boolean is graphql-core's to report."""
    found = FLAGGED.read({"input": {}, **variables})
    assert (found and found.flags) == flags
    assert FLAGGED.read({**variables}) is None
