"""The commands of `osago documents`, as they are typed. What a command needs is imported when it runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

documents = typer.Typer(no_args_is_help=True, help="Trusted documents: the operations that apps send by their ids.")


@documents.callback()
def documents_group() -> None:
    """Trusted documents: the operations that apps send by their ids."""


@documents.command("check")
def documents_check(
    places: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or folders of them: OSAGO_TRUSTED_DOCUMENTS if left out."),
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="The next schema, as `osago schema` prints it: what it breaks is named.")
    ] = None,
    no_usage: Annotated[
        bool, typer.Option("--no-usage", help="Do not ask Redis which documents callers have asked for.")
    ] = False,
    unused_for: Annotated[str, typer.Option(help="A document that was not asked for in this time is unused.")] = "30d",
    strict: Annotated[bool, typer.Option("--strict", help="Unused and unknown documents fail the check too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs (docs/operations.md).")] = False,
) -> None:
    """Say which documents do not fit, cost more than allowed, break with the next schema, are unused, or unknown.

    Ends with 0 where all are well, 1 where one is not, 2 where they could not be checked.
    """
    from cli.documents.documents_check import check_documents

    sys.exit(
        check_documents(
            places or [], schema, usage=not no_usage, unused_for=unused_for, is_strict=strict, as_json=as_json
        )
    )


@documents.command("own")
def documents_own() -> None:
    """Print the documents of `osago quote` and core-app as a file: with OSAGO_ONLY_TRUSTED_DOCUMENTS they need one."""
    from cli.documents.own_documents import print_own_documents

    print_own_documents()
