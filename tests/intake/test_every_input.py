"""Every input type of the schema, filled by Hypothesis: what comes of it is a wish, problems, or a coded error."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    is_input_object_type,
    parse,
)
from graphql.execution.values import get_variable_values
from hypothesis import given
from hypothesis import strategies as st
from support.applications import valid_application

from app.api.graphql_errors import format_errors
from app.api.schema.build import GRAPHQL
from app.codecs.application_codec import decode_application, encode_application
from app.domain.errors import InvalidApplication, Problem
from app.intake.new_request import IntakeRules, read_new_request

MARKER = "Маркерова-9"
NOW = datetime.now(UTC)
INPUTS = sorted(name for name, type_ in GRAPHQL.type_map.items() if is_input_object_type(type_))
WHOLE = "CreateQuoteRequestInput"
VARIABLES: Any = parse(f"query ($input: {WHOLE}!) {{ __typename }}").definitions[0].variable_definitions  # type: ignore[attr-defined]
PLACES: dict[str, tuple[Any, ...]] = {
    "ApplicationInput": ("application",),
    "VehicleInput": ("application", "vehicle"),
    "VehicleDocumentInput": ("application", "vehicle", "document"),
    "PartyInput": ("application", "policyholder"),
    "PersonInput": ("application", "policyholder", "person"),
    "OrganisationInput": ("application", "owner", "organisation"),
    "IdentityDocumentInput": ("application", "policyholder", "person", "document"),
    "AddressInput": ("application", "policyholder", "person", "address"),
    "DriversInput": ("application", "drivers"),
    "DriverInput": ("application", "drivers", "listed", 0),
    "DrivingLicenseInput": ("application", "drivers", "listed", 0, "license"),
    "PreviousLicenseInput": ("application", "drivers", "listed", 1, "previousLicense"),
    "PolicyNumberInput": ("application", "previousPolicy"),
    "ConsentInput": ("application", "consent"),
    WHOLE: (),
}

TEXTS = [
    "",
    " ",
    "\x00",
    "\ud800",
    "XTAGFL110MY654321",
    "А123ВС77",
    "2020-02-30",
    "2020-02-29",
    "1e5",
    "NaN",
    "７",
    "110.5",
    MARKER,
]
NONSENSE = [None, True, -1, 2**63, 0.5, float("inf"), "", MARKER, [], [[MARKER]], {}, {"a": {"b": MARKER}}, [None] * 60]
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "String": st.one_of(st.sampled_from(TEXTS), st.text(max_size=30)),
    "ID": st.one_of(st.sampled_from(TEXTS), st.text(max_size=200), st.integers()),
    "Int": st.integers(-(2**40), 2**40),
    "Boolean": st.booleans(),
    "DateTime": st.one_of(st.datetimes().map(lambda it: f"{it.isoformat()}+03:00"), st.sampled_from(TEXTS)),
    "CountryCode": st.one_of(st.sampled_from(["RU", "BY", "ru", "ZZ", *TEXTS])),
    "Date": st.one_of(st.dates().map(str), st.sampled_from(TEXTS)),
    "Decimal": st.one_of(st.decimals().map(str), st.floats(), st.sampled_from(TEXTS)),
}


AN_ORGANISATION: Any = {
    "name": "ООО «Ромашка»",
    "inn": "7701999009",
    "kpp": "770101001",
    "ogrn": "1197746999999",
    "address": {"kladr": "7700000000000", "text": "Москва, ул. Примерная, д. 19"},
}


def whole_input() -> Any:
    """A good one, as JSON."""
    application = json.loads(json.dumps(valid_application(NOW.date()), default=str))
    application["owner"] = {"organisation": dict(AN_ORGANISATION)}
    return {"customerId": "customer-1", "application": application, "insurerIds": ["sever"], "clientReference": "ref-1"}


def at(whole: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        whole = whole[key]
    return whole


def filled_with(type_: Any, good: Any) -> st.SearchStrategy[Any]:
    """A good value, something that fits its type, or nonsense."""
    match type_:
        case GraphQLNonNull():
            fitting = filled_with(type_.of_type, good)
        case GraphQLList():
            fitting = st.lists(
                filled_with(type_.of_type, good[0] if isinstance(good, list) and good else good), max_size=3
            )
        case GraphQLEnumType():
            fitting = st.sampled_from([*type_.values, MARKER])
        case GraphQLScalarType():
            fitting = SCALARS[type_.name]
        case _:  # an input type has its own turn
            fitting = st.just(good)
    return st.one_of(st.just(good), st.just(good), fitting, st.sampled_from(NONSENSE))


def inputs(name: str) -> st.SearchStrategy[Any]:
    """The whole input, good but for the fields of this type."""
    type_: Any = GRAPHQL.type_map[name]
    good = at(whole_input(), PLACES[name])
    fields = {key: filled_with(field.type, good.get(key)) for key, field in type_.fields.items()}
    return st.fixed_dictionaries({}, optional=fields).map(lambda value: _placed(name, value))


def _placed(name: str, value: Any) -> Any:
    whole = whole_input()
    holder = at(whole, PLACES[name])
    holder.clear()
    holder.update(value)
    return whole


def test_every_input_type_has_its_place() -> None:
    """A new one is tried too."""
    assert set(INPUTS) == set(PLACES)


STRATEGIES = {name: inputs(name) for name in INPUTS}


@pytest.mark.parametrize("name", INPUTS)
@given(data=st.data())
def test_every_input_has_an_answer(name: str, data: st.DataObject) -> None:
    """No other error, no value repeated, and what is accepted can be stored and read again."""
    sent = data.draw(STRATEGIES[name], label=name)
    values: Any = get_variable_values(GRAPHQL, VARIABLES, {"input": sent}, max_errors=5)
    if isinstance(values, list):
        errors = format_errors(values)
        assert all(error["extensions"]["code"] == "BAD_REQUEST" for error in errors)
        assert MARKER not in json.dumps(errors, ensure_ascii=False)
        return
    problems: tuple[Problem, ...] = ()
    try:
        wish = read_new_request(values.coerced["input"], now=NOW, rules=IntakeRules.of("sever"))
        assert decode_application(encode_application(wish.application)) == wish.application
    except InvalidApplication as invalid:
        problems = invalid.problems
    assert all(MARKER not in problem.message for problem in problems)
