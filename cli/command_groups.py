"""The groups of `osago`'s commands. What a command needs is imported when it runs."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

import typer

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


COMMAND_GROUPS: Final[Mapping[str, typer.Typer]] = MappingProxyType(
    {"keys": keys, "dead-letters": dead_letters, "insurers": insurers}
)
"""By the words that follow `osago`."""
