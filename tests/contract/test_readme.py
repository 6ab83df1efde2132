"""What the documents list is what the code has: settings, commands, metrics, reasons, errors, limits. So they cannot drift."""

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main
from prometheus_client import Counter, Gauge, Histogram
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from app.api import graphql_errors, graphql_request
from app.api.auth import tokens
from app.api.error_codes import MEANINGS
from app.api.execution import document_cost, document_files
from app.api.http import lasting_answer, negotiation, request_head
from app.api.rest import problem_details, stream_socket
from app.api.schema.federation import entities
from app.api.websocket import graphql_socket, messages
from app.codecs.quote_codec import EVENT_BYTES_MAX
from app.config import insurers_file
from app.config.insurers_file import InsurerSettings
from app.config.settings import Settings
from app.domain import errors
from app.domain.intake.problems import MESSAGES
from app.domain.money import PREMIUM_MAX
from app.domain.offers import extras, offer_bounds, refusals
from app.domain.offers.links import URL_LENGTH_MAX
from app.domain.quote import QuoteRequestStatus, QuoteStatus, ReasonCode
from app.observability import metrics
from app.postgres import database
from app.redis import job_streams, topology
from app.runtime import group_commit
from app.server import buffered_peer, closing_codes, peer_budget, serve
from app.server.http1 import http_limits, paced_protocol
from app.server.peer_budget import PeerCost
from app.use_cases import accept, insurer_callbacks
from app.watch import customer_watch, hub
from cli import docs_tables, feed_schema
from cli.main import app
from sandbox.insurers.model.magic_values import MAGIC, PREFIX
from sandbox.insurers.wire.dialects import GROUP as DIALECTS
from workers.adapters.adapter import Abilities
from workers.adapters.registry import GROUP
from workers.adapters.transport import exchange_connector, insurer_http
from workers.poison_jobs import isolated_process, quarantine

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted(
    path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if not path.name.startswith(".")
)
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
INTEGRATION: Final = (ROOT / "docs/integration.md").read_text(encoding="utf-8")
INTEGRATION_RU: Final = (ROOT / "docs/integration.ru.md").read_text(encoding="utf-8")
OPERATIONS: Final = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
ADAPTERS: Final = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
TARIFF: Final = (ROOT / "docs/tariff.md").read_text(encoding="utf-8")
SANDBOX: Final = (ROOT / "docs/sandbox.md").read_text(encoding="utf-8")
NOT_SETTINGS: Final = {"OSAGO_URL", "OSAGO_TOKEN", "OSAGO_CORE_APP_SECRET", "OSAGO_FEED_KEYS"}
"""What `osago quote` and the examples read: a client's side of things."""


def tables(text: str) -> Iterator[list[list[str]]]:
    """Every table: its rows of cells, the header first."""
    for lines in re.findall(r"^\|.*\|\n\|[-| ]+\|\n(?:\|.*\|\n)*", text, flags=re.MULTILINE):
        header, _, *rows = lines.splitlines()
        yield [[cell.strip() for cell in line.strip("|").split(" |")] for line in (header, *rows)]


def table(text: str, *header: str) -> Mapping[str, list[str]]:
    """The rows of the table with this header, by their first cell (without its backticks)."""
    (found,) = (rows for rows in tables(text) if rows[0][: len(header)] == list(header))
    return {row[0].strip("`"): [cell.strip() for cell in row[1:]] for row in found[1:]}


def default_of(model: type[BaseModel], name: str) -> str:
    """A field's default as an operator would write it; a dash where there is none."""
    match model.model_fields[name].default:
        case value if value is PydanticUndefined or value is None or value in ("", ()):
            return "–"
        case SecretStr():
            return "–"
        case bool(value):
            return str(value).lower()
        case value:
            return str(value)


def quoted(default: str) -> str:
    return default if default == "–" else f"`{default}`"


def test_every_setting_is_listed_with_its_default() -> None:
    """The table has the settings in the order of the class, and nothing else."""
    listed = {name: cells[0] for name, cells in table(OPERATIONS, "variable", "default").items()}
    assert listed == {f"OSAGO_{name.upper()}": quoted(default_of(Settings, name)) for name in Settings.model_fields}


def test_every_key_of_an_insurer_is_listed_with_its_default() -> None:
    """The keys of its tables are listed, too."""
    expected: dict[str, str] = {}
    for name, field in InsurerSettings.model_fields.items():
        if isinstance(field.default, BaseModel):
            part = type(field.default)
            expected |= {f"{name}.{key}": quoted(default_of(part, key)) for key in part.model_fields}
        else:
            expected[name] = quoted(default_of(InsurerSettings, name))
    assert {key: cells[0] for key, cells in table(OPERATIONS, "key", "default").items()} == expected


def options_of(command: Any) -> set[str]:
    """The long options of a command; of a group also those of all its commands."""
    own = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    return own.union(*(options_of(one) for one in getattr(command, "commands", {}).values()))


def test_every_command_is_listed_with_its_options() -> None:
    """The options are those of `osago --help`."""
    rows = [row for found in tables(README) if found[0][0] == "command" for row in found[1:]]
    listed = {name.strip("`"): set(re.findall(r"--[a-z-]+", cell)) for name, cell in rows}
    group: Any = typer.main.get_command(app)
    assert listed == {name: options_of(command) - {"--help"} for name, command in group.commands.items()}


def test_every_metric_is_listed_with_its_kind_and_labels() -> None:
    """Under the names that a scrape shows."""
    expected: dict[str, list[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            kind = next(iter(metric.describe())).type
            name = f"{metric._name}_total" if isinstance(metric, Counter) else metric._name
            expected[name] = [kind, ", ".join(f"`{label}`" for label in metric._labelnames) or "–"]
    assert {name: cells[:2] for name, cells in table(OPERATIONS, "metric", "kind").items()} == expected


def test_every_status_and_reason_is_listed() -> None:
    """The table says what each means to a caller."""
    assert set(table(INTEGRATION, "status of a quote")) == set(QuoteStatus)
    assert set(table(INTEGRATION, "status of a request")) == set(QuoteRequestStatus)
    reasons = table(INTEGRATION, "reason", "status")
    assert set(reasons) == set(ReasonCode)
    assert {cells[0].strip("`") for cells in reasons.values()} == set(QuoteStatus) - {"PENDING", "OFFERED"}


@pytest.mark.parametrize(
    ("english", "russian"),
    [("status of a quote", "статус ответа"), ("reason", "причина"), ("code", "код")],
)
def test_the_russian_page_lists_every_code_too(english: str, russian: str) -> None:
    """Codes of problems are left out: their messages are Russian anyway."""
    codes = {row[0] for rows in tables(INTEGRATION) if rows[0][0] == english for row in rows[1:]}
    listed = {row[0] for rows in tables(INTEGRATION_RU) if rows[0][0] == russian for row in rows[1:]}
    assert codes - {f"`{code}`" for code in MESSAGES} <= listed


def test_every_problem_is_listed() -> None:
    """The table has the codes that programs see."""
    assert list(table(INTEGRATION, "code", "what is wrong")) == list(MESSAGES)


def test_the_table_of_errors_is_the_one_of_the_code() -> None:
    """`make docs` makes it and those of the fields; every code that a caller can meet is in it, with its message."""
    assert docs_tables.renewed(INTEGRATION) == INTEGRATION
    assert docs_tables.renewed(INTEGRATION_RU) == INTEGRATION_RU
    assert docs_tables.renewed(TARIFF) == TARIFF
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "app/api").glob("*.py"))
    written = set(re.findall(r'"code": "([A-Z_]+)"', sources))
    assert set(MEANINGS) == set(graphql_errors.MESSAGES) | written


def test_the_offer_in_the_feed_s_schema_has_the_fields_of_the_code() -> None:
    """`make docs` copies the fields into the schema."""
    schema = (ROOT / "docs/feed.schema.json").read_text(encoding="utf-8")
    assert feed_schema.renewed_feed(schema) == schema


def test_every_problem_of_the_rest_face_is_listed_with_its_status() -> None:
    """The table is in the order of the statuses."""
    listed = table(INTEGRATION, "problem", "status")
    assert {code: int(cells[0]) for code, cells in listed.items()} == problem_details.STATUSES
    assert f"every\n{lasting_answer.HEARTBEAT_S:.0f} to" in INTEGRATION


def test_every_close_code_is_listed() -> None:
    """The list has this API's codes, and those that ask to come again."""
    values = [*vars(closing_codes).values(), *vars(stream_socket).values()]
    ours = {str(value) for value in values if isinstance(value, int) and 4000 <= value < 5000}
    assert set(table(INTEGRATION, "code", "when")) == ours | {
        "1012",
        str(closing_codes.NO_TEXT),
        str(closing_codes.TRY_AGAIN_LATER),
        str(peer_budget.FLOOD),
    }


def by_second(cost: PeerCost) -> str:
    """As the table has an allowance that comes back."""
    return f"{cost.value.at_once} at once, then {cost.value.per_s:.0f} a second"


KIB: Final = 1024
MIB: Final = 1024 * 1024


@pytest.mark.parametrize(
    ("text", "what", "limit"),
    [
        (INTEGRATION, "body of an HTTP request", f"{request_head.BODY_BYTES_MAX // KIB} KiB"),
        (INTEGRATION, "head of an HTTP request", f"{paced_protocol.HEAD_BYTES_MAX // KIB} KiB"),
        (OPERATIONS, "control frames of a WebSocket: pings, pongs", by_second(PeerCost.CONTROL_FRAME)),
        (
            OPERATIONS,
            "messages of GraphQL without effect: ping, pong, complete of what does not run; of a REST stream any",
            by_second(PeerCost.IDLE_MESSAGE),
        ),
        (
            OPERATIONS,
            "operations that a client subscribes to and completes before their end",
            by_second(PeerCost.ABANDONED_OPERATION),
        ),
        (
            OPERATIONS,
            "fragments of a message, empty ones of them",
            f"{PeerCost.FRAGMENT.value.at_once:,}, {PeerCost.EMPTY_FRAGMENT.value.at_once}",
        ),
        (OPERATIONS, "chunks of a request's body", f"{PeerCost.CHUNK.value.at_once:,}"),
        (INTEGRATION, "a request, from its first byte to its last", f"{http_limits.REQUEST_S_MAX:.0f} s"),
        (INTEGRATION, "tokens (lexical) of a document", f"{document_cost.TOKENS_MAX}"),
        (INTEGRATION, "length of a document", f"{document_cost.DOCUMENT_LENGTH_MAX} characters"),
        (INTEGRATION, "comments in a document", f"{document_cost.COMMENTS_MAX}"),
        (INTEGRATION, "escapes in its strings", f"{document_cost.ESCAPES_MAX}"),
        (INTEGRATION, "operations in a document", f"{document_cost.OPERATIONS_MAX}"),
        (INTEGRATION, "values of a request's JSON, roughly", f"{graphql_request.VALUES_MAX}"),
        (INTEGRATION, "depth of a document", f"{document_cost.DEPTH_MAX}"),
        (INTEGRATION, "aliases in a document", f"{document_cost.ALIASES_MAX}"),
        (INTEGRATION, "directives in a document", f"{document_cost.DIRECTIVES_MAX}"),
        (INTEGRATION, "fragments in a document", f"{document_cost.FRAGMENTS_MAX}"),
        (INTEGRATION, "fields that are selected again", f"{document_cost.REPEATS_MAX}"),
        (INTEGRATION, "complexity of an operation", f"{document_cost.COMPLEXITY_MAX}"),
        (
            INTEGRATION,
            "representations of entities in a request of a gateway",
            f"{document_cost.REPRESENTATIONS_MAX}",
        ),
        (INTEGRATION, "open requests shown of one customer entity", f"{entities.OPEN_SHOWN_MAX}"),
        (INTEGRATION, "errors reported for one document", f"{graphql_errors.ERRORS_MAX}"),
        (
            INTEGRATION,
            "WebSockets and event streams of one address (IPv6: of one /64), per process",
            default_of(Settings, "sockets_per_address"),
        ),
        (INTEGRATION, "WebSockets of one service, per process", default_of(Settings, "sockets_per_token")),
        (
            INTEGRATION,
            "what one watch token holds of a process: subscriptions, sockets and streams, queries",
            default_of(Settings, "watch_share"),
        ),
        (INTEGRATION, "frame of a WebSocket", f"{serve.FRAME_BYTES_MAX // KIB} KiB"),
        (INTEGRATION, "token", f"{tokens.TOKEN_LENGTH_MAX} characters"),
        (INTEGRATION, "life of a token", f"{tokens.TTL_S_MAX / 86_400:.0f} days"),
        (INTEGRATION, "Accept", f"{negotiation.ACCEPT_LENGTH_MAX} characters, {negotiation.RANGES_MAX} ranges"),
        (INTEGRATION, "a frame before the token is known", f"{graphql_socket.OPENING_LENGTH_MAX} characters"),
        (INTEGRATION, "connection_init", f"within {graphql_socket.INIT_S_MAX:.0f} s"),
        (INTEGRATION, "operations at once on a socket", f"{graphql_socket.OPERATIONS_MAX}"),
        (INTEGRATION, "id of an operation", f"{messages.ID_LENGTH_MAX} characters"),
        (INTEGRATION, "subscriptions at once in one process", f"{hub.SUBSCRIPTIONS_MAX:,}"),
        (INTEGRATION, "a socket that takes nothing, or answers no ping", f"{buffered_peer.STALLED_AFTER_S:.0f} s"),
        (INTEGRATION, "what waits for a socket", f"{serve.SENT_BYTES_MAX // KIB} KiB"),
        (INTEGRATION, "customers watched at once in one process", f"{customer_watch.CUSTOMERS_MAX:,}"),
        (INTEGRATION, "open requests of a customer, watched at once", f"{customer_watch.OPEN_MAX}"),
        (INTEGRATION, "createQuoteRequest", f"{accept.ACCEPT_S_MAX:.0f} s"),
        (INTEGRATION, "a request", f"{default_of(Settings, 'quote_deadline').removesuffix('s')} s"),
        (INTEGRATION, "insurers in a request", f"{insurers_file.INSURERS_MAX}"),
        (
            OPERATIONS,
            "trusted documents",
            f"{document_files.DOCUMENTS_MAX:,}, in {document_files.FILES_MAX} files of {document_files.FILE_BYTES_MAX // MIB} MiB",
        ),
        (OPERATIONS, "insurers in the file", f"{insurers_file.INSURERS_MAX}"),
        (OPERATIONS, "body of an insurer's answer", f"{insurer_http.BODY_BYTES_MAX // MIB} MiB"),
        (
            OPERATIONS,
            "an exchange with an insurer",
            (
                f"{exchange_connector.EXCHANGE_BYTES_MAX // MIB} MiB, {exchange_connector.FRAMING_BYTES_MAX // KIB} KiB of it around the body, "
                f"{exchange_connector.INTERIM_MAX} interim responses"
            ),
        ),
        (
            OPERATIONS,
            "of one insurer, parsed in one turn of the loop",
            f"{exchange_connector.TURN_BYTES_MAX // KIB} KiB",
        ),
        (OPERATIONS, "a wait that an insurer asks for", f"{errors.RETRY_AFTER_S_MAX / 86_400:.0f} day"),
        (
            OPERATIONS,
            "what an insurer calls back with",
            f"{insurer_callbacks.CALL_BYTES_MAX // KIB} KiB, the newest {insurer_callbacks.CALLS_KEPT} of a job",
        ),
        (OPERATIONS, "a premium", f"{PREMIUM_MAX:,} roubles"),
        (
            OPERATIONS,
            "the number of an offer",
            f"{offer_bounds.NUMBER_LENGTH_MAX} characters, {offer_bounds.MARKS_MAX} combining marks on a letter",
        ),
        (
            OPERATIONS,
            "a coefficient",
            f"{offer_bounds.FACTOR_DIGITS_MAX} digits, exponent {offer_bounds.FACTOR_EXPONENT_MIN} to {offer_bounds.FACTOR_EXPONENT_MAX}",
        ),
        (
            OPERATIONS,
            "until when an offer holds",
            f"from {offer_bounds.VALID_UNTIL_MIN.year} to {offer_bounds.VALID_UNTIL_MAX.year - 1}, with its offset",
        ),
        (OPERATIONS, "extras of an offer", f"{extras.EXTRAS_MAX}, names of {extras.EXTRA_NAME_LENGTH_MAX} characters"),
        (OPERATIONS, "problems of a refusal", f"{refusals.PROBLEMS_MAX}, paths of {refusals.PATH_LENGTH_MAX} parts"),
        (OPERATIONS, "factors of drivers", f"{offer_bounds.DRIVERS_MAX} drivers"),
        (OPERATIONS, "a purchase link", f"{URL_LENGTH_MAX:,} characters, https, a public host"),
        (OPERATIONS, "one quote in PostgreSQL, Redis and the feed", f"{EVENT_BYTES_MAX // KIB} KiB"),
        (OPERATIONS, "waiting to be stored at once, per process", f"{group_commit.WAITING_MAX:,}"),
        (OPERATIONS, "one transaction, one script", f"{group_commit.BATCH_MAX:,} rows"),
        (OPERATIONS, "connecting to PostgreSQL", f"{database.CONNECT_S_MAX} s"),
        (OPERATIONS, "statements that only read", f"{database.READ_S_MAX:.0f} s"),
        (
            OPERATIONS,
            "connecting to Redis, one reply",
            f"{topology.CONNECT_S_MAX:.0f} s, {topology.REPLY_S_MAX:.0f} s",
        ),
        (OPERATIONS, "keys of a request in Redis", f"{job_streams.KEPT_AFTER_EXPIRY.seconds // 60} min"),
        (OPERATIONS, "isolated processes at once, per worker", f"{quarantine.PROCESSES_MAX}"),
        (OPERATIONS, "place of the failure kept in a dead letter", f"{isolated_process.TRACE_LENGTH_MAX:,} characters"),
        (OPERATIONS, "ending after SIGTERM", f"{serve.DRAIN_S_MAX} s"),
    ],
    ids=lambda value: value if len(value) < 60 else "",
)
def test_every_limit_is_the_constant_of_the_code(text: str, what: str, limit: str) -> None:
    """A change of a limit fails here until the documents follow."""
    assert table(text, "what", "limit")[what][0].startswith(limit)


def test_every_event_of_the_log_is_listed_with_its_level() -> None:
    """Events of the level debug are left out."""
    sources = [path for name in ("app", "workers", "bridge") for path in (ROOT / name).rglob("*.py")]
    found = (re.findall(r'log\.(\w+)\("([a-z_.]+)"', path.read_text(encoding="utf-8")) for path in sources)
    written = {(event, "error" if level == "exception" else level) for pairs in found for level, event in pairs}
    rows = next(rows for rows in tables(OPERATIONS) if rows[0][0] == "event")
    listed = {(event, row[1]) for row in rows[1:] for event in re.findall(r"`([a-z_.]+)`", row[0])}
    assert listed == {pair for pair in written if pair[1] != "debug"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_that_is_named_is_a_setting(path: Path) -> None:
    """The check covers every document."""
    named = set(re.findall(r"OSAGO_[A-Z_]+", path.read_text(encoding="utf-8")))
    assert named <= {f"OSAGO_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """Links to files of the repository, and to headings in them, are checked."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://127.0.0.1", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_adapter_is_listed_and_every_ability() -> None:
    """The list has this project's adapters, as entry points have them, and the suite's options."""
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert list(table(ADAPTERS, "adapter", "how the insurer speaks")) == list(ours[GROUP]) == list(ours[DIALECTS])
    abilities = {field.name for field in dataclasses.fields(Abilities)}
    assert set(table(ADAPTERS, "ability", "default")) == abilities
    assert set(table(ADAPTERS, "option", "what it says")) == set(
        re.findall(r'addoption\(\s*"(--[a-z-]+)"', (ROOT / "osago_adapter_suite/plugin.py").read_text(encoding="utf-8"))
    )


def test_every_magic_value_is_listed() -> None:
    """The table names the outcome of each value."""
    listed = {model: cells[0] for model, cells in table(SANDBOX, "model", "what comes of it").items()}
    assert listed == {f"{PREFIX}{name}": magic.about for name, magic in MAGIC.items()}
