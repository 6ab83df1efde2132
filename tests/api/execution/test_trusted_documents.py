"""Trusted documents: the forms of their files, how clients name them, and what is made of them when a process starts."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query, print_ast
from support.plans import planned

from app.api.execution import prepared_documents
from app.api.execution.document_files import (
    DOCUMENTS_MAX,
    FILE_BYTES_MAX,
    FILES_MAX,
    FaultKind,
    read_files,
    sha256_of,
)
from app.api.execution.document_reading import parse_document
from app.api.execution.document_uses import NOTED_MAX, NotedUses
from app.api.execution.prepared_documents import KEPT_BYTES_MAX, MutationPlan, PreparedDocuments, Unplanned
from app.api.from_settings import make_operations
from app.api.graphql_errors import BadDocument, UnknownDocument, UntrustedDocument
from app.api.graphql_request import GraphQLRequest, decode_request, request_from_url
from app.api.schema.build import GRAPHQL
from app.config.settings import Settings
from app.domain.errors import WrongSetting
from cli.quote.aggregator_client import WATCH
from sandbox.core_app.graphql_documents import CREATE

INSURERS = "query Insurers { insurers { id } }"
NAMES = "query Names { insurers { name } }"
MD5 = hashlib.md5(INSURERS.encode(), usedforsecurity=False).hexdigest()
SHA256 = sha256_of(INSURERS)


def manifest(*operations: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations, **more}


def operation(id_: str, body: str, name: str = "Insurers") -> dict[str, str]:
    return {"id": id_, "name": name, "type": "query", "body": body}


def written(folder: Path, content: Any, name: str = "trusted.json") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return file


def documents(file: Path, *, only_trusted: bool = False) -> PreparedDocuments:
    options: dict[str, Any] = {"trusted_documents": str(file), "only_trusted_documents": only_trusted}
    return make_operations(Settings(_env_file=None, **options))  # type: ignore[call-arg]


FORMS: dict[str, Any] = {
    "SHA-256": {SHA256: INSURERS},
    "SHA-256, with its prefix": {f"sha256:{SHA256}": INSURERS},
    "Apollo": manifest(operation(SHA256, INSURERS)),
    "Apollo, ids of one's own": manifest(operation("insurers-v2", INSURERS)),
    "Relay": {MD5: INSURERS},
    "Relay, ids of a service": {"17": INSURERS, "f" * 32: NAMES},
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps({SHA256: INSURERS}).encode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_each_form_is_known_by_what_is_in_it(form: Any, tmp_path: Path) -> None:
    """Its documents run by their ids, and by the SHA-256 of their texts; with the text beside it, too."""
    file = written(tmp_path, form)
    found = read_files([file])
    assert not found.faults
    first = found.documents[0]
    assert (first.name, first.text) == ("Insurers", INSURERS)
    prepared = documents(file)
    for id_ in (first.id, SHA256, f"sha256:{SHA256}"):
        assert prepared.prepare(GraphQLRequest(document_id=id_)).text == INSURERS
        assert prepared.prepare(GraphQLRequest(NAMES, document_id=id_)).text == INSURERS, "the id decides"


NAMED: dict[str, Mapping[str, Any]] = {
    "GraphQL over HTTP": {"documentId": SHA256},
    "Apollo": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": SHA256}}},
    "Relay": {"doc_id": SHA256, "query": None},
    "Relay, an empty text": {"doc_id": SHA256, "query": ""},
    "Relay, id": {"id": SHA256},
}


@pytest.mark.parametrize("body", NAMED.values(), ids=NAMED)
def test_each_client_names_a_document_in_its_way(body: Mapping[str, Any], tmp_path: Path) -> None:
    """In a body, in a frame's payload, and in a URL."""
    prepared = documents(written(tmp_path, {SHA256: INSURERS}))
    assert prepared.prepare(decode_request(json.dumps(body).encode())).text == INSURERS
    in_url = {key: json.dumps(value) if key == "extensions" else value for key, value in body.items() if value}
    assert prepared.prepare(request_from_url(in_url)).text == INSURERS


@pytest.mark.parametrize("id_", [7, "InsurersQuery", {"a": 1}, SHA256])
def test_an_id_beside_a_document_is_none_of_a_document(id_: object, tmp_path: Path) -> None:
    """Network layers of Relay that persist nothing send the operation's name, or a number, with each request."""
    prepared = documents(written(tmp_path, {SHA256: INSURERS}))
    assert prepared.prepare(decode_request(json.dumps({"id": id_, "query": NAMES}).encode())).text == NAMES


@pytest.mark.parametrize("id_", ["", "x", "0" * 64, SHA256.upper(), f"sha256:{SHA256.upper()}", 7, None, ["a"]])
def test_an_unknown_id_has_the_code_that_clients_know(id_: object, tmp_path: Path) -> None:
    """With the text beside it: it is no hash of this text."""
    prepared = documents(written(tmp_path, {SHA256: INSURERS}))
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": id_}}
    with pytest.raises(UnknownDocument):
        prepared.prepare(GraphQLRequest(extensions=extensions))
    with pytest.raises(BadDocument):
        prepared.prepare(GraphQLRequest(NAMES, extensions=extensions))


def test_others_than_trusted_documents_can_be_refused(tmp_path: Path) -> None:
    """By text or by id: what is trusted runs, all else does not."""
    prepared = documents(written(tmp_path, {MD5: INSURERS}), only_trusted=True)
    assert prepared.prepare(GraphQLRequest(INSURERS))
    assert prepared.prepare(GraphQLRequest(document_id=MD5))
    for text in ("{ __typename }", INSURERS + " ", NAMES, get_introspection_query()):
        with pytest.raises(UntrustedDocument):
            prepared.prepare(GraphQLRequest(text))
        with pytest.raises(UntrustedDocument):
            prepared.prepare(GraphQLRequest(text, document_id=sha256_of(text)))


WRONG: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "no JSON"),
    "no UTF-8": (b'{"a": "\xff"}', "no UTF-8"),
    "nested": (b"[" * 100_000, "no JSON"),
    "a list": ([], "expected Apollo's manifest"),
    "numbers": ({"a": 1}, "a value is no text"),
    "too long": (b" " * (FILE_BYTES_MAX + 1), "longer than 8 MiB"),
    "too many": ({f"q{n}": "{ a }" for n in range(DOCUMENTS_MAX + 1)}, "at most"),
    "another version": (manifest(version=2), '"version": 1'),
    "another format": (manifest(format="other"), '"format"'),
    "no operations": (manifest(operations={}), "expected a list"),
    "no body": (manifest({"id": "a"}), "id and body"),
    "no object": (manifest("a"), "id and body"),  # type: ignore[arg-type]
    "a space in an id": ({"a b": INSURERS}, "is no id"),
    "an endless id": ({"a" * 201: INSURERS}, "is no id"),
    "another SHA-256": ({"0" * 64: INSURERS}, "not the SHA-256"),
    "another SHA-256 of Apollo's": (manifest(operation(sha256_of(NAMES), INSURERS)), r"Insurers .* not the SHA-256"),
    "an MD5 among MD5s": ({MD5: INSURERS, "f" * 32: NAMES}, r"Names .* not the MD5"),
    "one id, two texts": (manifest(operation("a", INSURERS), operation("a", NAMES, "Names")), "an id has one text"),
    "one name of JSON, two texts": (f'{{"a": "{INSURERS}", "a": "{NAMES}"}}'.encode(), "an id has one text"),
    "no document": ({sha256_of("{"): "{"}, "Syntax Error"),
    "another schema's": ({"a": "query Wrong { nothing }"}, r"Wrong \(a\).*Cannot query field 'nothing'"),
    "too dear": ({"a": "{a" * 30 + "}" * 30}, "it costs more than one may"),
}


@pytest.mark.parametrize(("content", "why"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_one_line_when_the_process_starts(content: Any, why: str, tmp_path: Path) -> None:
    """It names the setting, the file, and the operation."""
    file = written(tmp_path, content)
    with pytest.raises(WrongSetting, match=f"OSAGO_TRUSTED_DOCUMENTS: .*{why}") as raised:
        documents(file)
    assert str(file.parent) in str(raised.value)


def test_a_folder_and_several_files_are_one_set(tmp_path: Path) -> None:
    """The same document in two of them is no fault; two texts with one id are, and so is a place that is none."""
    apollo = written(tmp_path, manifest(operation(SHA256, INSURERS)), "apollo.json")
    relay = written(tmp_path, {MD5: INSURERS, SHA256: INSURERS}, "relay.json")
    written(tmp_path, b"no JSON", "notes.txt")
    written(tmp_path, b"no JSON", ".hidden.json")
    for places in ([tmp_path], [apollo, relay]):
        found = read_files(places)
        assert not found.faults
        assert [one.id for one in found.documents] == [SHA256, MD5]
    assert documents(Path(f"{apollo} , {relay}")).prepare(GraphQLRequest(document_id=MD5))
    written(tmp_path, manifest(operation(MD5, NAMES)), "other.json")
    assert [fault.kind for fault in read_files([tmp_path]).faults] == [FaultKind.DUPLICATE]
    (empty := tmp_path / "empty").mkdir()
    for place in (empty, tmp_path / "nowhere.json"):
        assert [fault.kind for fault in read_files([place]).faults] == [FaultKind.FILE]
    for number in range(FILES_MAX + 1):
        written(empty, {f"q{number}": INSURERS}, f"{number}.json")
    assert "at most 100" in read_files([empty]).faults[0].why


def test_a_manifest_may_have_fragments_in_an_order_of_its_own(tmp_path: Path) -> None:
    """A socket of Apollo's sends the text too, as the app has it: the id is that of the manifest's."""
    fragment, query = "fragment F on Insurer { id }", "query Q { insurers { ...F } }"
    body = f"{query}\n\n{fragment}"
    prepared = documents(written(tmp_path, manifest(operation(sha256_of(body), body, "Q"))), only_trusted=True)
    sent = print_ast(parse_document(f"{fragment} {query}").document)
    assert sent != body
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(body)}}
    assert prepared.prepare(GraphQLRequest(sent, operation_name="Q", extensions=extensions)).text == body


def test_plans_are_compiled_before_the_first_request(tmp_path: Path) -> None:
    """A mutation's, and what a subscription pushes."""
    prepared = documents(written(tmp_path, {"create": CREATE, "watch": WATCH}))
    assert [one.text for one in planned(prepared)] == [CREATE]
    assert isinstance(prepared.prepare(GraphQLRequest(document_id="create")).plan, MutationPlan)
    assert prepared.prepare(GraphQLRequest(document_id="watch")).written


def test_a_fault_in_compiling_costs_the_plan_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document runs, by graphql-core."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(prepared_documents, "compile_plan", broken)
    prepared = documents(written(tmp_path, {"create": CREATE}))
    assert prepared.prepare(GraphQLRequest(document_id="create")).plan is Unplanned.NEVER


def test_as_many_are_read_ahead_as_there_is_room_for(tmp_path: Path) -> None:
    """The others are read when they are asked for."""
    many = {f"q{n}": INSURERS + " " * 10_000 + f"# {n}" for n in range(400)}
    prepared = documents(written(tmp_path, many))
    kept = prepared._of_services
    assert len(kept) < len(many)
    assert kept.bytes <= KEPT_BYTES_MAX
    assert kept.get(many["q0"]) is not None
    assert prepared.prepare(GraphQLRequest(document_id="q399")).text == many["q399"]


def test_uses_are_noted(tmp_path: Path) -> None:
    """By the id that the file has. Of ids that no document has only those are noted that look like a hash, and not without end."""
    prepared = documents(written(tmp_path, {MD5: INSURERS, "names": NAMES}), only_trusted=True)
    prepared.prepare(GraphQLRequest(INSURERS))
    prepared.prepare(GraphQLRequest(document_id="names"))
    for id_ in ("+79161234567", "ivan@example.ru", "a" * 40):
        with pytest.raises(UnknownDocument):
            prepared.prepare(GraphQLRequest(document_id=id_))
    with pytest.raises(UntrustedDocument):
        prepared.prepare(GraphQLRequest("{ __typename }"))
    taken = prepared.uses.take()
    assert taken == NotedUses({MD5, "names"}, {"a" * 40, sha256_of("{ __typename }")})
    assert prepared.uses.take() == NotedUses(set(), set())
    prepared.uses.put_back(taken)
    for number in range(2 * NOTED_MAX):
        prepared.uses.note_unknown(f"{number:064}")
    assert len(prepared.uses.take().unknown) == NOTED_MAX


def test_without_trusted_documents_nothing_is_noted() -> None:
    """Clients that try a hash first, and send the text then, ask for nothing that is missing."""
    prepared = PreparedDocuments(GRAPHQL)
    prepared.prepare(GraphQLRequest(INSURERS, document_id=SHA256))
    with pytest.raises(UnknownDocument):
        prepared.prepare(GraphQLRequest(document_id=SHA256))
    assert prepared.uses.take() == NotedUses(set(), set())
