"""The groups of `osago`'s commands. What a command needs is imported when it runs."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

import typer

from cli.documents.documents_group import documents
from cli.operators.operator_groups import controls, insurer_controls, requests, workers

keys = typer.Typer(no_args_is_help=True, help="Keys that applications are encrypted with.")


@keys.callback()
def keys_group() -> None:
    """Keys that applications are encrypted with."""


@keys.command("rotate")
def keys_rotate() -> None:
    """Encrypt every application anew that another key than the first has encrypted; beside running processes."""
    from cli.personal_data import rotate_keys

    sys.exit(rotate_keys())


@keys.command("feed")
def keys_feed() -> None:
    """Print the keys that readers of the feed verify its entries with."""
    from cli.personal_data import print_feed_keys

    print_feed_keys()


@keys.command("purge")
def keys_purge(
    key_id: Annotated[str, typer.Argument(help="Of a key that is in OSAGO_ENCRYPTION_KEYS no more.")],
    by: Annotated[str, typer.Option(help="Stands in the record; the user of the system if left out.")] = "",
) -> None:
    """Record as destroyed what a dropped or lost key has sealed, and remove it."""
    from cli.personal_data import purge_key

    purge_key(key_id, by)


purges = typer.Typer(no_args_is_help=True, help="Records of the destruction of personal data.")


@purges.callback()
def purges_group() -> None:
    """Records of the destruction of personal data."""


class PurgesForm(StrEnum):
    """An act to print and sign, or the export of the journal."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


@purges.command("export")
def purges_export(
    begin: Annotated[
        str, typer.Option("--from", help="A day in Moscow, or a moment; the first record if left out.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="A day, which is included, or a moment; now if left out.")] = "",
    form: Annotated[PurgesForm, typer.Option("--format", help="json: a record a line.")] = PurgesForm.TEXT,
    by: Annotated[str, typer.Option(help="Stands in the audit; the user of the system if left out.")] = "",
) -> None:
    """Print what was destroyed, as order 179 of Roskomnadzor asks: an act in Russian, or the journal."""
    from cli.personal.personal_reports import export_purges

    export_purges(begin, end, form, by)


dead_letters = typer.Typer(no_args_is_help=True, help="Jobs that were given up.")

LetterIds = Annotated[list[str], typer.Argument(help="As `list` shows them.")]


@dead_letters.command("list")
def dead_letters_list() -> None:
    """Every dead letter, a line each."""
    from cli.dead_letter_commands import list_letters

    list_letters()


@dead_letters.command("show")
def dead_letters_show(letter_id: Annotated[str, typer.Argument(help="As `list` shows it.")]) -> None:
    """One dead letter, with the places that its failure went through."""
    from cli.dead_letter_commands import show_letter

    show_letter(letter_id)


@dead_letters.command("retry")
def dead_letters_retry(letter_ids: LetterIds) -> None:
    """Ask the insurers again, and settle what is still open."""
    from cli.dead_letter_commands import retry_letters

    retry_letters(letter_ids)


@dead_letters.command("drop")
def dead_letters_drop(letter_ids: LetterIds) -> None:
    """Remove what has been looked at."""
    from cli.dead_letter_commands import drop_letters

    drop_letters(letter_ids)


insurers = typer.Typer(invoke_without_command=True, help="The insurers, their settings and their availability.")


@insurers.callback()
def insurers_list(context: typer.Context) -> None:
    """Every insurer with its settings and availability."""
    if context.invoked_subcommand is None:
        from cli.insurer_commands import list_insurers

        sys.exit(0 if list_insurers() else 1)


@insurers.command("check")
def insurers_check(
    insurer_ids: Annotated[list[str] | None, typer.Argument(help="Only these; all of them if left out.")] = None,
    with_application: Annotated[
        Path | None,
        typer.Option(help="Hands in this application (an ApplicationInput as JSON): for test stands of insurers."),
    ] = None,
) -> None:
    """Call each insurer once, and say what was tried and what is wrong with its settings."""
    from cli.insurer_commands import check_insurers

    sys.exit(0 if check_insurers(insurer_ids or [], with_application) else 1)


insurers.registered_commands += insurer_controls.registered_commands

bridge = typer.Typer(
    invoke_without_command=True, help="Carries events to Kafka, ActiveMQ, NATS JetStream or a webhook."
)

BridgeDestination = Annotated[str, typer.Argument(help="A destination of bridge.toml.")]
EventIds = Annotated[list[str], typer.Argument(help="As `list` shows them.")]


@bridge.callback()
def bridge_run(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="A destination of bridge.toml, e.g. kafka, activemq, nats, webhook.")] = "",
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Serves /healthz, /readyz, /metrics there; 0: nowhere.")
    ] = 0,
    metrics_host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Carry every event to one destination, until SIGTERM."""
    if context.invoked_subcommand is None:
        from app.domain.errors import WrongSetting
        from cli.processes import bridge

        if not to:
            raise WrongSetting("bridge: --to is needed: a destination of bridge.toml (`osago bridge --help`)")
        bridge(to, metrics_host, metrics_port)


@bridge.command("state")
def bridge_state() -> None:
    """Every destination that has been served: how far it is, which process serves it, and its dead letters."""
    from cli.bridge.bridge_commands import print_state

    print_state()


@bridge.command("list")
def bridge_list(destination: Annotated[str, typer.Argument(help="Only of this one; all if left out.")] = "") -> None:
    """Events that destinations would not take, a line each."""
    from cli.bridge.bridge_commands import list_bridge_letters

    list_bridge_letters(destination)


@bridge.command("retry")
def bridge_retry(destination: BridgeDestination, event_ids: EventIds) -> None:
    """Have the running bridge deliver them again."""
    from cli.bridge.bridge_commands import retry_bridge_letters

    retry_bridge_letters(destination, event_ids)


@bridge.command("drop")
def bridge_drop(destination: BridgeDestination, event_ids: EventIds) -> None:
    """Remove what has been looked at."""
    from cli.bridge.bridge_commands import drop_bridge_letters

    drop_bridge_letters(destination, event_ids)


COMMAND_GROUPS: Final[Mapping[str, typer.Typer]] = MappingProxyType(
    {
        "keys": keys,
        "purges": purges,
        "dead-letters": dead_letters,
        "insurers": insurers,
        "bridge": bridge,
        "documents": documents,
        "workers": workers,
        "requests": requests,
        "controls": controls,
    }
)
"""By the words that follow `osago`."""
