"""`osago`: every command of the project. A wrong setting is one clear line and exit code 2."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from app.runtime import gc_tuning
from cli.command_groups import COMMAND_GROUPS
from cli.command_line import import_logging_alone, run_command_line

_PORT_MAX: Final = 65_535


class SchemaOf(StrEnum):
    """The API of the printed schema."""

    GRAPHQL = "graphql"
    OPENAPI = "openapi"
    TYPESCRIPT = "typescript"
    ASYNCAPI = "asyncapi"
    FEDERATION = "federation"


class ForgetReason(StrEnum):
    """The subject demands it, or withdraws the consent."""

    DEMAND = "demand"
    WITHDRAWN = "withdrawn"


app = typer.Typer(
    name="osago",
    help="Asks every OSAGO insurer for a quote and pushes each answer to the browser as it arrives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for name, group in COMMAND_GROUPS.items():
    app.add_typer(group, name=name)

LOCAL_API: Final = "http://127.0.0.1:8000/graphql"

Host = Annotated[str, typer.Option(help="Address to listen on.")]
TariffFolder = Annotated[
    Path | None, typer.Option(envvar="OSAGO_TARIFF_FOLDER", help="Holds further editions of the tariff.")
]
Port = Annotated[int, typer.Option(min=1, max=_PORT_MAX, help="Port to listen on.")]


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=_PORT_MAX, help="Port of the API.")] = 8000,
    state_dir: Annotated[Path, typer.Option(help="Where the embedded servers keep their state.")] = Path(".osago"),
    time_scale: Annotated[
        float, typer.Option(min=0, max=100, help="1: insurers as slow as real ones; 0.25: four times as fast.")
    ] = 0.25,
) -> None:
    """The whole system on one machine, to watch. Ctrl-C ends all of it."""
    from sandbox.demo.demo import run

    sys.exit(run(port=port, state_dir=state_dir, time_scale=time_scale))


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from cli.processes import migrate

    migrate()


@app.command()
def api(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port.")] = 1,
) -> None:
    """The GraphQL API."""
    gc_tuning.pause()
    from cli.processes import api

    api(host, port, processes)


@app.command()
def worker(
    insurers: Annotated[str, typer.Option(help="Only these, separated by commas.")] = "",
    name: Annotated[str, typer.Option(help="A label; the consumer's name gets a random part.")] = "",
    metrics_port: Annotated[
        int, typer.Option(min=0, max=_PORT_MAX, help="Serves /healthz, /readyz, /metrics there; 0: nowhere.")
    ] = 0,
    metrics_host: Host = "127.0.0.1",
) -> None:
    """One worker process: insurer lanes, outbox relay, sweeper."""
    gc_tuning.pause()
    from cli.processes import worker

    worker([part.strip() for part in insurers.split(",") if part.strip()], name, metrics_host, metrics_port)


@app.command()
def sandbox(
    host: Host = "127.0.0.1",
    port: Port = 8100,
    seed: Annotated[int, typer.Option(help="The same seed: the same answers to the same applications.")] = 1,
    time_scale: Annotated[float, typer.Option(min=0, max=100, help="Multiplies how long insurers take.")] = 1.0,
    calm: Annotated[bool, typer.Option(help="No random faults and refusals.")] = False,
    tariff_folder: TariffFolder = None,
) -> None:
    """Insurers to try against, with scripted faults."""
    from cli.processes import sandbox

    sandbox(host, port, seed=seed, time_scale=time_scale, is_calm=calm, tariff_folder=tariff_folder)


@app.command(name="core-app")
def core_app(
    host: Host = "127.0.0.1",
    port: Port = 8200,
    url: Annotated[str, typer.Option(envvar="OSAGO_URL", help="The aggregator's GraphQL API.")] = LOCAL_API,
    watch_url: Annotated[str, typer.Option(help="The same for browsers, ws://…; from --url if left out.")] = "",
    token: Annotated[str, typer.Option(envvar="OSAGO_TOKEN", help="A service token.")] = "",
    secret: Annotated[str, typer.Option(envvar="OSAGO_CORE_APP_SECRET", help="Signs customers' cookies.")] = "",
    customer_limit: Annotated[str, typer.Option(help="Applications of one customer, e.g. 10/min; or off.")] = "10/min",
    proxies: Annotated[
        str, typer.Option(help="Addresses of proxies: only their X-Forwarded-For is believed; none if left out.")
    ] = "",
    redis_url: Annotated[str, typer.Option(envvar="OSAGO_REDIS_URL", help="Of the feed; empty: no events here.")] = "",
    feed_keys: Annotated[str, typer.Option(envvar="OSAGO_FEED_KEYS", help="As `osago keys feed` prints them.")] = "",
    shards: Annotated[int, typer.Option(envvar="OSAGO_SHARDS", min=1, max=64, help="Of the feed.")] = 1,
) -> None:
    """The example client of the mutation, and the customer's page."""
    from cli.processes import core_app

    core_app(
        host,
        port,
        url=url,
        watch_url=watch_url,
        token=token,
        secret=secret,
        customer_limit=customer_limit,
        proxies=proxies,
        redis_url=redis_url,
        feed_keys=feed_keys,
        shards=shards,
    )


@app.command()
def quote(
    file: Annotated[Path, typer.Argument(help="An ApplicationInput as JSON, e.g. examples/application.json.")],
    url: Annotated[str, typer.Option(envvar="OSAGO_URL", help="Of the GraphQL API.")] = "",
    token: Annotated[str, typer.Option(envvar="OSAGO_TOKEN", help="A service token; the demo's if left out.")] = "",
    customer: Annotated[str, typer.Option(help="The calling service.")] = "demo",
    insurers: Annotated[str, typer.Option(help="Only these, separated by commas.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Every event as a line of JSON, for programs.")] = False,
) -> None:
    """Send an application and watch the quotes arrive."""
    from cli.quote.quote_command import run

    sys.exit(run(file, url=url, token=token, customer=customer, insurers=insurers, as_json=json))


@app.command()
def token(
    subject: Annotated[str, typer.Option(help="The calling service.")] = "core-app",
    scope: Annotated[str, typer.Option(help="What it may do, separated by spaces.")] = "quotes:write quotes:read",
    ttl: Annotated[str, typer.Option(help="How long it holds, e.g. 30min, 1h, 90d.")] = "1h",
) -> None:
    """Print a service token."""
    from cli.processes import token

    token(subject, scope, ttl)


@app.command()
def explain(
    request: Annotated[str, typer.Argument(help="A request's id, a quote's id, or a client reference.")],
    service: Annotated[str, typer.Option(help="The caller that a client reference belongs to; any if left out.")] = "",
    json: Annotated[bool, typer.Option("--json", help="For programs (docs/operations.md).")] = False,
) -> None:
    """The story of one request, in order, without personal data; what is at fault, what it waits for, and what is not known."""
    from cli.explain.explain_command import explain_request

    sys.exit(explain_request(request, service=service, as_json=json))


@app.command()
def forget(
    customer: Annotated[str, typer.Option(help="The customerId that callers send.")],
    subject: Annotated[str, typer.Option(help="Only the requests of this calling service.")] = "",
    reason: Annotated[
        ForgetReason, typer.Option(help="withdrawn: the consent stays, sealed, as a proof until its time is up.")
    ] = ForgetReason.DEMAND,
    by: Annotated[str, typer.Option(help="Stands in the record; the user of the system if left out.")] = "",
) -> None:
    """Destroy a customer's requests, with applications and quotes; a record of it stays."""
    from cli.personal_data import forget_customer

    forget_customer(customer, subject, by, is_withdrawn=reason is ForgetReason.WITHDRAWN)


@app.command("subject-report")
def subject_report(
    customer: Annotated[
        str,
        typer.Option(help="The customerId that callers send; without it a person on standard input, in three lines."),
    ] = "",
    subject: Annotated[str, typer.Option(help="Only the requests of this calling service.")] = "",
    person: Annotated[str, typer.Option(help="Only this person, by the identifier that a report prints.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Codes instead of Russian words.")] = False,
    by: Annotated[str, typer.Option(help="Stands in the audit; the user of the system if left out.")] = "",
) -> None:
    """Print what is kept of a customer's people: its source, recipients, terms and consent; no values."""
    from cli.personal.personal_reports import report_subject

    report_subject(customer, subject, person, by, as_json=as_json)


@app.command()
def exposure(
    begin: Annotated[str, typer.Option("--from", help="A day in Moscow, or a moment.")],
    end: Annotated[str, typer.Option("--to", help="A day, which is included, or a moment.")],
    as_json: Annotated[bool, typer.Option("--json", help="Codes instead of Russian words.")] = False,
    by: Annotated[str, typer.Option(help="Stands in the audit; the user of the system if left out.")] = "",
) -> None:
    """Count the subjects, and the kinds of their data, that a leak in this time would touch."""
    from cli.personal.personal_reports import count_exposure

    count_exposure(begin, end, by, as_json=as_json)


@app.command()
def top(
    as_json: Annotated[
        bool, typer.Option("--json", help="One snapshot as JSON, for programs; ends with 1 where a server is away.")
    ] = False,
) -> None:
    """The operator's live view: insurers, requests, processes, what needs a hand."""
    from cli.top.top_command import run

    sys.exit(run(as_json=as_json))


@app.command()
def tariff(
    on: Annotated[str, typer.Option(help="A day, YYYY-MM-DD; today in Moscow if left out.")] = "",
    kladr: Annotated[str, typer.Option(help="Only the factor of this place, by its КЛАДР code.")] = "",
    tariff_folder: TariffFolder = None,
) -> None:
    """Print the edition of the tariff that is in force, each figure with its mark and its source."""
    from cli.tariff.tariff_command import print_tariff

    sys.exit(0 if print_tariff(on, kladr, tariff_folder) else 1)


@app.command()
def schema(
    of: Annotated[
        SchemaOf,
        typer.Option(
            help="GraphQL's SDL, TypeScript's types, the documents of OpenAPI (REST) and AsyncAPI (what is pushed), "
            "or the SDL of a subgraph (Apollo Federation 2)."
        ),
    ] = SchemaOf.GRAPHQL,
) -> None:
    """Print the GraphQL schema, or what is derived from it."""
    from cli.print_schema import printed

    sys.stdout.write(printed(of))


def main() -> None:
    """Runs the `osago` script."""
    import_logging_alone()
    from app.observability import logs

    logs.configure(log_format="console", level="warning")  # commands with settings of their own configure it anew
    sys.exit(run_command_line(app))


if __name__ == "__main__":
    main()
