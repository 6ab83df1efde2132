"""An id of a trusted document opens no door: what a caller sees follows from the token, as with the text."""

import json
from typing import Any, Final

import pytest
from support.plain_http import plain_http
from support.socket import opened
from support.world import ApiAtHand, World

from cli.quote.aggregator_client import CREATE

DOCUMENTS: Final = {
    "create": CREATE,
    "look": "query Look($id: ID!) { quoteRequest(id: $id) { id status } }",
    "cancel": "mutation Cancel($id: ID!) { cancelQuoteRequest(id: $id) { status } }",
    "watch": "subscription Watch($id: ID!) { quotes(requestId: $id) { __typename } }",
}


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever")
    file = world.folder / "trusted.json"
    file.write_text(json.dumps(DOCUMENTS), encoding="utf-8")
    world.set(trusted_documents=file, only_trusted_documents=True)
    return await world.api()


async def posted(api: ApiAtHand, token: str | None, **body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with plain_http() as http:
        answer = await http.post(api.graphql, json=body, headers=headers)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("name", ["documentId", "doc_id", "id"])
async def test_another_callers_request_is_as_one_that_is_not_there(name: str, world: World, api: ApiAtHand) -> None:
    """For another service, and for the watch token of another request: looked at, cancelled, watched."""
    ours, other = [(await world.accepted(api)) for _ in range(2)]
    variables = {"id": ours["quoteRequest"]["id"]}
    look = await posted(api, api.token, variables=variables, **{name: "look"})
    assert look == (200, {"data": {"quoteRequest": {"id": variables["id"], "status": "COLLECTING"}}})
    for token in (world.token(subject="another"), other["watchToken"]):
        _, looked = await posted(api, token, variables=variables, **{name: "look"})
        assert looked["data"] == {"quoteRequest": None}
        _, cancelled = await posted(api, token, variables=variables, **{name: "cancel"})
        assert cancelled.get("data") in (None, {"cancelQuoteRequest": None})
        async with opened(api.graphql) as socket:
            await socket.init(token)
            await socket.send({"id": "1", "type": "subscribe", "payload": {name: "watch", "variables": variables}})
            message = await socket.receive()
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")
    assert await posted(api, api.token, variables=variables, **{name: "look"}) == look


async def test_without_a_token_no_document_is_looked_for(api: ApiAtHand) -> None:
    """Which ids are known stays hidden, and nothing is noted."""
    for id_ in ("look", "a" * 64):
        status, body = await posted(api, None, documentId=id_)
        assert (status, body["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    taken = api.services.operations.uses.take()
    assert (taken.used, taken.unknown) == (set(), set())
