"""A page for each alert, and the table of all of them: what it means, which command names the cause, what to do then."""

from collections.abc import Sequence
from typing import Final

from tools.observability.alert_data import Alert

_HEADER: Final = "<!-- Made from deploy/observability by `make docs`: change that, not this. -->\n"
_SEVERITIES: Final = {"page": "page: at night, too", "ticket": "ticket: today", "note": "note: for the next look"}


def runbook_page(alert: Alert) -> str:
    """One alert's page."""
    look = "".join(f"{command:<{_width(alert)}}  # {shows}\n" for command, shows in alert.look)
    act = "".join(f"- {sentence}\n" for sentence in alert.act)
    holds = "" if alert.holds_for == "0s" else f", once that has held for {alert.holds_for}"
    return (
        f"{_HEADER}# {alert.name}\n\n{alert.meaning}\n\n"
        f"## Look\n\n```sh\n{look}```\n\n"
        f"## Act\n\n{act}\n"
        f"## Rule\n\n{_SEVERITIES[alert.severity]}; part: {alert.part}. Fires{holds}:\n\n```promql\n{alert.expr}\n```\n"
    )


def runbook_index(alerts: Sequence[Alert]) -> str:
    """The page that lists them."""
    return (
        f"{_HEADER}# Runbooks\n\nA page for each alert: its meaning, the command that names the cause, what to do. "
        "Commands have their settings from the environment (docs/operations.md); `API` stands for the address of any API process.\n\n"
        + alerts_table(alerts, "")
    )


def alerts_table(alerts: Sequence[Alert], folder: str) -> str:
    """The rows for a document beside runbooks in this folder."""
    rows = [f"| [`{one.name}`]({folder}{one.page}) | {one.severity} | {one.part} | {_first(one)} |\n" for one in alerts]
    return "| alert | severity | part | it means |\n|---|---|---|---|\n" + "".join(rows)


def _first(alert: Alert) -> str:
    """The first sentence of its meaning."""
    return alert.meaning.split(". ")[0].rstrip(".")


def _width(alert: Alert) -> int:
    return max(len(command) for command, _ in alert.look)
