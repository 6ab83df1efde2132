"""`osago documents check`: each kind of problem, its line, and how the command ends."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import typed_beside
from support.plain_http import plain_http
from support.servers import RedisAtHand
from support.socket import opened
from support.until import until
from support.world import ApiAtHand, World

from app.api.execution.document_files import sha256_of
from app.domain.errors import WrongSetting
from app.redis import keys
from app.redis.fleet.document_use_log import DocumentUseLog, DocumentUseReport
from app.redis.redis_client import RedisClient
from app.redis.topology import connect, parse_address
from cli.documents.documents_check import check_documents
from cli.documents.own_documents import own_documents

ROOT = Path(__file__).parents[2]
SDL = (ROOT / "schema.graphql").read_text(encoding="utf-8")
INSURERS = "query Insurers { insurers { id name } }"
CREATE = "mutation Ask($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename } }"
DAY_S = 86_400
Checked = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checked:
    """The exit code and the two outputs of a check of these documents."""
    monkeypatch.chdir(tmp_path)  # no `.env` of the checkout is read there

    def check(documents: dict[str, str], *, later: str = "", **options: Any) -> tuple[int, str, str]:
        (tmp_path / "trusted.json").write_text(json.dumps(documents), encoding="utf-8")
        schema = tmp_path / "next.graphql" if later else None
        if schema:
            schema.write_text(later, encoding="utf-8")
        known: dict[str, Any] = {"usage": False, "unused_for": "30d", "is_strict": False, "as_json": False}
        code = check_documents([Path("trusted.json")], schema, **(known | options))
        out, err = capsys.readouterr()
        return code, out, err

    return check


def test_good_documents_are_listed(checked: Checked) -> None:
    """With what each costs; and the command ends with 0, also with the schema of now as the next one."""
    code, out, err = checked({"a": INSURERS, "b": CREATE}, later=SDL)
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split() == ["Insurers", "a", "query", "30", "–", "trusted.json"]
    assert out.splitlines()[-1] == "2 documents in 1 file, 0 problems"


WRONG = {
    "a field": (
        "query Q { insurers { wrong } }",
        "INVALID   trusted.json: Q (q): line 1: Cannot query field 'wrong' on",
    ),
    "no document": ("query Q {", "INVALID   trusted.json: Q (q): Syntax Error"),
    "no operation": ("fragment F on Insurer { id }", "INVALID   trusted.json: q: "),
    "depth": ("query Q " + "{ a " * 30 + "}" * 30, "DEAR      trusted.json: Q (q): deeper than 16; ask for less"),
    "complexity": (
        "query Q {"
        + " ".join(
            f'a{n}: quoteRequest(id: "1") {{ quotes {{ reason {{ problems {{ code path }} }} }} }}' for n in range(9)
        )
        + "}",
        "DEAR      trusted.json: Q (q): complexity 2079, at most 2000",
    ),
    "length": (INSURERS + " " * 20_000, "DEAR      trusted.json: Insurers (q): longer than 16384 characters"),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG)
def test_a_document_that_the_api_would_refuse_is_named(checked: Checked, text: str, line: str) -> None:
    """With its operation, the cause, and what mends it; and the command ends with 1."""
    code, out, _ = checked({"q": text})
    assert code == 1
    assert line in out


LATER = {
    "a field that is gone": ("  name: String!", "  title: String!", INSURERS, "Cannot query field 'name' on type 'Insurer'"),
    "a field that may be null": ("  name: String!", "  name: String", INSURERS, "Insurer.name becomes String, and is String!"),
    "another type": ("  name: String!", "  name: Int!", INSURERS, "Insurer.name becomes Int!, and is String!"),
    "no list any more": ("insurers: [Insurer!]!", "insurers: Insurer!", INSURERS, "Query.insurers becomes Insurer!"),
    "a new input": ("  customerId: ", "  city: String!\n  customerId: ", CREATE, "CreateQuoteRequestInput.city is new, and required"),
    "a stricter input": ("clientReference: String\n", "clientReference: String!\n", CREATE, "CreateQuoteRequestInput.clientReference becomes String!"),
    "an input that is gone": ("  clientReference: String\n", "", CREATE, "CreateQuoteRequestInput.clientReference is gone"),
    "a value that is gone": ("  ELECTRONIC_PASSPORT\n", "", CREATE, "VehicleDocumentKind has no value ELECTRONIC_PASSPORT any more"),
}  # fmt: skip


@pytest.mark.parametrize(("now", "later", "text", "why"), LATER.values(), ids=LATER)
def test_what_the_next_schema_breaks_is_named(checked: Checked, now: str, later: str, text: str, why: str) -> None:
    """Its selection, the types of what it gets, and the inputs that its variables are made of."""
    assert now in SDL
    code, out, _ = checked({"q": text}, later=SDL.replace(now, later))
    assert code == 1
    assert "BROKEN    trusted.json: " in out
    assert f"by the next schema: {why}" in out


@pytest.mark.parametrize(
    ("now", "later"),
    [
        ("  name: String!", "  name: String!\n  rating: Int"),
        ("  customerId: ", "  city: String\n  customerId: "),
        ("  status: RequestStatus", "  gone: RequestStatus"),
        ("type Query {", 'type Query @key(fields: "id") {'),
    ],
)
def test_what_no_document_asks_for_breaks_none(checked: Checked, now: str, later: str) -> None:
    """More fields, inputs that may be left out, fields that the document does not select, directives of a supergraph."""
    code, out, _ = checked({"q": INSURERS, "c": CREATE}, later=SDL.replace(now, later))
    assert code == 0, out


def test_a_file_that_is_no_schema_is_one_line(checked: Checked) -> None:
    """And so is a place without documents."""
    with pytest.raises(WrongSetting, match=r"--schema: .*next.graphql: no schema of GraphQL"):
        checked({"q": INSURERS}, later="type {")
    with pytest.raises(WrongSetting, match="documents check: name a file"):
        check_documents([], None, usage=False, unused_for="30d", is_strict=False, as_json=False)


def test_every_fault_of_the_files_is_reported_at_once(checked: Checked) -> None:
    """For programs too."""
    wrong = {"0" * 64: INSURERS, "q": "{ wrong }"}
    code, out, _ = checked(wrong, as_json=True)
    report = json.loads(out)
    assert code == 1
    assert [problem["kind"] for problem in report["problems"]] == ["mismatch", "invalid"]
    assert report["problems"][0] | {"why": ""} == {
        "kind": "mismatch", "file": "trusted.json", "id": "0" * 64, "name": "Insurers", "why": "",
    }  # fmt: skip
    assert report["documents"][0] == {
        "id": "0" * 64, "name": "Insurers", "file": "trusted.json", "type": "query", "complexity": 30,
    }  # fmt: skip
    assert report["usage"] is None


@pytest.fixture
async def client(redis: RedisAtHand) -> AsyncGenerator[RedisClient, None]:
    client = connect(parse_address(redis.url))
    yield client
    await client.aclose()


async def test_what_processes_note_is_kept_in_redis(redis: RedisAtHand, client: RedisClient) -> None:
    """Since when a document is known stays as it was first; the latest use counts; limits are kept."""
    log = DocumentUseLog(client)
    await log.note(known=["a", "b"], used=[], unknown=[])
    before = await log.read()
    await redis.client.zadd(keys.documents_known(), {"a": 17})
    await log.note(known=["a", "b"], used=["a"], unknown=[f"{n:032}" for n in range(500)])
    found = await log.read()
    assert found.since == {"a": 17, "b": before.since["b"]}
    assert set(found.used) == {"a"}
    assert before.now_s <= found.used["a"] <= found.now_s
    assert len(found.unknown) == 200


def checked_beside(checked: Checked, url: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[int, str, str]:
    monkeypatch.setenv("OSAGO_REDIS_URL", url)
    documents = {"used": INSURERS, "old": CREATE, "never": INSURERS + " ", "new": INSURERS + "  "}
    return checked(documents, usage=True, **options)


async def test_unused_and_unknown_documents_are_named(
    checked: Checked, redis: RedisAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that is new is not unused yet. They fail the check with `--strict` alone."""
    hash_ = hashlib.md5(b"another", usedforsecurity=False).hexdigest()
    now_s, _ = await redis.client.time()
    ago = {"used": 90, "old": 90, "never": 90, "new": 2}
    await redis.client.zadd(
        keys.documents_known(),
        {id_: now_s - days * DAY_S for id_, days in ago.items()},
    )
    await redis.client.zadd(keys.documents_used(), {"used": now_s, "old": now_s - 31 * DAY_S})
    await redis.client.zadd(keys.documents_unknown(), {hash_: now_s - DAY_S, "f" * 40: now_s - 31 * DAY_S})
    for key in (keys.documents_known(), keys.documents_used(), keys.documents_unknown()):
        await redis.client.expire(key, DAY_S)
    code, out, err = await asyncio.to_thread(checked_beside, checked, redis.url, monkeypatch)
    assert (code, err) == (0, "")
    problems = [line for line in out.splitlines() if line.startswith("UN")]
    assert [line.split()[:3] for line in problems] == [
        ["UNUSED", "trusted.json:", "Ask"], ["UNUSED", "trusted.json:", "Insurers"], ["UNKNOWN", f"{hash_[:12]}…:", "asked"],
    ]  # fmt: skip
    assert "asked for not since" in problems[0]
    assert "asked for never since" in problems[1]
    strict, _, _ = await asyncio.to_thread(checked_beside, checked, redis.url, monkeypatch, is_strict=True)
    longer, out, _ = await asyncio.to_thread(
        checked_beside, checked, redis.url, monkeypatch, is_strict=True, unused_for="100d"
    )
    assert (strict, longer) == (1, 1)
    assert "UNUSED" not in out


async def test_without_redis_the_rest_is_checked(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what is not known; the exit code is that of the rest."""
    code, out, err = await asyncio.to_thread(
        checked_beside, checked, "redis://127.0.0.1:1/0", monkeypatch, is_strict=True
    )
    assert (code, out.splitlines()[-1]) == (0, "4 documents in 1 file, 0 problems")
    assert err == "which are unused, or missing, is not known: Redis cannot be reached (ConnectionError)\n"


async def post(api: ApiAtHand, **body: Any) -> None:
    async with plain_http() as http:
        await http.post(api.graphql, json=body, headers={"Authorization": f"Bearer {api.token}"})


async def test_a_running_api_notes_what_is_asked_for(world: World) -> None:
    """Over HTTP and a socket, by id; the command says so."""
    world.write_insurers("sever")
    (world.folder / "trusted").mkdir()
    file = world.folder / "trusted" / "app.json"
    file.write_text(json.dumps({"a": INSURERS, "b": INSURERS + " ", "c": CREATE}), encoding="utf-8")
    world.set(trusted_documents=file.parent)
    api = await world.api()
    await post(api, documentId="a")
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.send({"id": "1", "type": "subscribe", "payload": {"doc_id": "b"}})
        assert (await socket.receive())["payload"] == {"data": {"insurers": [{"id": "sever", "name": "Sever"}]}}
        await socket.receive()
    missing = sha256_of("{ missing }")
    await post(api, documentId=missing)
    client = connect(parse_address(world.redis.url))

    async def uses() -> DocumentUseReport | None:
        found = await DocumentUseLog(client).read()
        return found if found.unknown else None

    found = await until(uses)
    await client.aclose()
    assert (set(found.since), set(found.used), set(found.unknown)) == ({"a", "b", "c"}, {"a", "b"}, {missing})
    done = await typed_beside(world, "documents", "check", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr, report["usage"]) == (0, "", "known")
    assert [one["id"] for one in report["documents"] if "usedAt" in one] == ["a", "b"]
    assert [(one["kind"], one["id"]) for one in report["problems"]] == [("unknown", missing)]


async def test_our_own_clients_run_where_only_trusted_documents_do(world: World) -> None:
    """With the file that `osago documents own` prints: `osago quote` to its end, and what core-app and its page send."""
    printed = await typed_beside(world, "documents", "own")
    (world.folder / "own.json").write_text(printed.stdout, encoding="utf-8")
    await world.insurers("sever")
    world.set(trusted_documents=world.folder / "own.json", only_trusted_documents=True)
    api = await world.api()
    await world.worker()
    accepted = await world.accepted(api)
    assert (await world.watched(api, accepted))[-1]["__typename"] == "QuotesCompleted"
    page = next(text for text in own_documents() if "stub" in text and "subscription" in text and "Slot" not in text)
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.subscribe(page, {"requestId": accepted["quoteRequest"]["id"]})
        assert (await socket.event())["__typename"] == "QuoteReceived"
