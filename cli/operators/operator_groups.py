"""The commands of operators, as they are typed. What a command needs is imported when it runs."""

import sys
from typing import Annotated

import typer

insurer_controls = typer.Typer()
"""Commands of `osago insurers`."""

Why = Annotated[str, typer.Option(help="The reason; it stands in the audit.")]
By = Annotated[str, typer.Option(help="Your name, for the audit; the system's user if left out.")]
Lasting = Annotated[str, typer.Option("--for", help="How long, e.g. 10min, 2h; until it is lifted if left out.")]
InsurerId = Annotated[str, typer.Argument(help="As insurers.toml has it.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@insurer_controls.command("pause")
def insurers_pause(
    insurer_id: InsurerId,
    why: Why,
    by: By = "",
    lasting: Lasting = "",
    hold: Annotated[
        bool, typer.Option("--hold", help="Its jobs wait until it is resumed, or their time is up.")
    ] = False,
) -> None:
    """Send an insurer no new application; its quotes are UNAVAILABLE at once."""
    from cli.operators.control_commands import pause_insurer

    pause_insurer(insurer_id, why=why, by=by, lasting=lasting, hold=hold)


@insurer_controls.command("resume")
def insurers_resume(insurer_id: InsurerId, why: Why, by: By = "") -> None:
    """Ask a paused insurer again."""
    from cli.operators.control_commands import resume_insurer

    resume_insurer(insurer_id, why=why, by=by)


@insurer_controls.command("limit")
def insurers_limit(
    insurer_id: InsurerId,
    rate: Annotated[str, typer.Argument(help="E.g. 50/s or 10/min; off: none; file: as insurers.toml has it.")],
    why: Why,
    polls: Annotated[bool, typer.Option("--polls", help="Limits polls, not applications.")] = False,
    by: By = "",
    lasting: Lasting = "",
) -> None:
    """Limit the calls to an insurer, over all workers together."""
    from cli.operators.control_commands import limit_insurer

    limit_insurer(insurer_id, rate, polls=polls, why=why, by=by, lasting=lasting)


@insurer_controls.command("circuit")
def insurers_circuit(
    insurer_id: InsurerId,
    state: Annotated[str, typer.Argument(help="open: no call; closed: every call; auto: left to itself.")],
    why: Why,
    by: By = "",
    lasting: Lasting = "",
) -> None:
    """Force an insurer's circuit open or closed."""
    from cli.operators.control_commands import force_circuit

    force_circuit(insurer_id, state, why=why, by=by, lasting=lasting)


controls = typer.Typer(invoke_without_command=True, help="What operators have ordered, and the audit of it.")


@controls.callback()
def controls_list(context: typer.Context, as_json: AsJson = False) -> None:
    """Every control in force: paused insurers, limits, forced circuits, draining workers."""
    if context.invoked_subcommand is None:
        from cli.operators.control_commands import list_controls

        list_controls(as_json=as_json)


@controls.command("audit")
def controls_audit(
    subject: Annotated[str, typer.Option(help="Only of this insurer, worker or request.")] = "",
    before: Annotated[int, typer.Option(min=0, help="Only entries before this id: the next page.")] = 0,
    most: Annotated[int, typer.Option(min=1, max=500, help="Entries of a page.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What operators did, with name, time and reason; the newest first."""
    from cli.operators.control_commands import print_audit

    print_audit(subject=subject, before=before, most=most, as_json=as_json)


workers = typer.Typer(invoke_without_command=True, help="The workers that are alive.")


@workers.callback()
def workers_list(context: typer.Context, as_json: AsJson = False) -> None:
    """Every worker: since when it runs, where, and with how many jobs."""
    if context.invoked_subcommand is None:
        from cli.operators.worker_commands import list_workers

        list_workers(as_json=as_json)


@workers.command("drain")
def workers_drain(
    name: Annotated[str, typer.Argument(help="As `osago workers` shows it, or its label where only one has it.")],
    why: Why,
    by: By = "",
) -> None:
    """End a worker, as SIGTERM does; a supervisor starts another in its place."""
    from cli.operators.worker_commands import drain_worker

    drain_worker(name, why=why, by=by)


requests = typer.Typer(no_args_is_help=True, help="Quote requests.")


@requests.callback()
def requests_group() -> None:
    """Quote requests."""


@requests.command("cancel")
def requests_cancel(
    why: Why,
    request_ids: Annotated[list[str] | None, typer.Argument(help="Ids of requests.")] = None,
    insurer: Annotated[str, typer.Option(help="Instead of ids: every open request that waits for it.")] = "",
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", help="Asks no question first.")] = False,
) -> None:
    """Cancel requests in bulk, as their callers could; asks first."""
    from cli.operators.bulk_commands import cancel_requests

    sys.exit(cancel_requests(request_ids or [], insurer=insurer, why=why, by=by, is_agreed=yes))
