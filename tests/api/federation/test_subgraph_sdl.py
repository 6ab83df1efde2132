"""The subgraph's SDL, as composition gets it, and the callers that may ask for it."""

import hashlib
import json
from typing import Any

import pytest
from graphql import ObjectTypeDefinitionNode, build_schema, parse
from support.world import ApiAtHand, World

from app.api.schema.build import GRAPHQL, federation_sdl, sdl
from app.api.schema.federation.entities import ENTITIES

SERVICE = "{ _service { sdl } }"
NAMED = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Insurer { name } } }"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever")
    return await world.api()


async def test_the_service_shows_what_the_command_prints(api: ApiAtHand) -> None:
    """A registry that asks the service composes the same as one that gets the file."""
    assert (await api.post(SERVICE)).json() == {"data": {"_service": {"sdl": federation_sdl()}}}


def test_the_subgraph_is_the_public_schema_and_its_entities() -> None:
    """The same fields, each entity with its key; what Federation adds to every subgraph is left out, as is usual."""
    text = federation_sdl()
    types = [part for part in parse(text).definitions if isinstance(part, ObjectTypeDefinitionNode)]
    assert {type_.name.value for type_ in types if type_.directives} == ENTITIES
    subgraph, public = build_schema(text, assume_valid=True), build_schema(sdl())
    assert set(subgraph.type_map) - set(public.type_map) == {"Customer"}
    for name, type_ in public.type_map.items():
        assert set(getattr(subgraph.type_map[name], "fields", ())) == set(getattr(type_, "fields", ())), name


def test_every_entity_is_one_of_the_union() -> None:
    """The union resolves a value by its class."""
    union: Any = GRAPHQL.type_map["_Entity"]
    assert {member.name for member in union.types} == ENTITIES


def test_the_printed_schema_has_nothing_of_gateways() -> None:
    """It is what callers generate their clients from."""
    assert not {"_Any", "_Entity", "_Service", "Customer"} & set(build_schema(sdl()).type_map)


@pytest.mark.parametrize(
    ("mode", "codes"), [("on", [None, None]), ("admin", ["FORBIDDEN", None]), ("off", ["FORBIDDEN"] * 2)]
)
async def test_the_service_is_introspection(world: World, mode: str, codes: list[str | None]) -> None:
    """The schema is shown to those that may look into it; entities are found all the same."""
    world.write_insurers("sever")
    world.set(introspection=mode)
    api = await world.api()
    seen = [(await api.post(SERVICE, token=token)).json() for token in (api.token, world.token(scope="admin"))]
    assert [body["errors"][0]["extensions"]["code"] if "errors" in body else None for body in seen] == codes
    body = (await api.post(NAMED, {"of": [{"__typename": "Insurer", "id": "sever"}]})).json()
    assert body == {"data": {"_entities": [{"name": "Sever"}]}}


@pytest.mark.parametrize("text", ["{ a: _service { sdl } b: _service { sdl } }", "{ _service { a: sdl b: sdl } }"])
async def test_the_sdl_is_shown_once(api: ApiAtHand, text: str) -> None:
    """It has forty kilobytes."""
    assert (await api.post(text)).json()["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"


async def test_a_gateways_document_may_be_a_trusted_one(world: World) -> None:
    """It may come by its hash, or in full; another document is refused."""
    world.write_insurers("sever")
    hash_ = hashlib.sha256(NAMED.encode()).hexdigest()
    file = world.folder / "trusted.json"
    file.write_text(json.dumps({hash_: NAMED}))
    world.set(trusted_documents=file, only_trusted_documents=True)
    api = await world.api()
    variables = {"of": [{"__typename": "Insurer", "id": "sever"}]}
    assert (await api.post(NAMED, variables)).json() == {"data": {"_entities": [{"name": "Sever"}]}}
    body = (await api.post(NAMED.replace("name", "id"), variables)).json()
    assert body["errors"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"
