"""Prometheus's rules: what is recorded for alerts and panels, burn rates of the promises, and the alerts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import yaml

from tools.observability.alert_data import Alert, Promise

HEADER: Final = "# Made from deploy/observability by `make docs`: change that, not this.\n"
WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
BURNS: Final = (
    # short window, long window, how many times faster than the budget allows, severity
    ("5m", "1h", 14.4, "page"),
    ("30m", "6h", 6.0, "page"),
    ("2h", "1d", 3.0, "ticket"),
    ("6h", "3d", 1.0, "ticket"),
)
"""The multi-window, multi-burn-rate alerts of Google's SRE workbook, for a budget of 30 days."""
_MEANS: Final = (("insurer_call_seconds", "osago_insurer_call_seconds", "insurer, step"),)


def recording_rules(promises: Sequence[Promise]) -> str:
    """The file of recording rules."""
    groups = [
        {
            "name": "osago-means",
            "rules": [
                {
                    "record": f"osago:{name}:mean{window}",
                    "expr": f"sum by ({by}) (rate({metric}_sum[{window}])) / sum by ({by}) (rate({metric}_count[{window}]))",
                }
                for name, metric, by in _MEANS
                for window in ("1m", "1h")
            ],
        },
        {"name": "osago-promises", "rules": [rule for promise in promises for rule in _burns_recorded(promise)]},
    ]
    return _file(groups)


def alert_rules(alerts: Sequence[Alert]) -> str:
    """The file of alerts."""
    return _file([{"name": "osago-alerts", "rules": [_rule(alert) for alert in alerts]}])


def burn_alerts(promises: Sequence[Promise]) -> list[Alert]:
    """Two alerts for each promise: one that pages, one for the day."""
    return [_burn_alert(promise, severity) for promise in promises for severity in ("page", "ticket")]


def _burns_recorded(promise: Promise) -> list[Mapping[str, Any]]:
    labels = {"slo": promise.name}
    rules: list[Mapping[str, Any]] = [
        {
            "record": f"osago:slo_errors:ratio_rate{window}",
            "expr": f"({promise.bad}) / ({promise.total})".replace("WINDOW", window),
            "labels": labels,
        }
        for window in WINDOWS
    ]
    return [*rules, {"record": "osago:slo_objective:ratio", "expr": f"vector({promise.objective})", "labels": labels}]


def _burn_alert(promise: Promise, severity: str) -> Alert:
    budget = 1 - promise.objective
    terms = [
        f"({promise.burn(short)} > {rate * budget:.6g} and {promise.burn(long)} > {rate * budget:.6g})"
        for short, long, rate, of in BURNS
        if of == severity
    ]
    words = "".join(word.title() for word in promise.name.split("-"))
    is_page = severity == "page"
    return Alert(
        name=f"OsagoSlo{words}{'Fast' if is_page else 'Slow'}",
        expr="\n  or ".join(terms),
        holds_for="0s",
        severity="page" if is_page else "ticket",
        part="slo",
        summary=f"{promise.name}: {{{{ $value | humanizePercentage }}}} of the events break the promise of {promise.objective:.4g}",
        meaning=f"{promise.promise} At this pace the month's budget of {budget:.2%} is gone within "
        + ("two days (1 h) or five (6 h)." if is_page else "ten days (1 d), or before its end (3 d)."),
        look=[(promise.look, "what is late, and since when")],
        act=[
            "Another alert names the cause, as a rule: a server, a lane, a process without CPU. Look at the dashboard `osago overview` first."
        ],
        burns=promise.name,
    )


def _rule(alert: Alert) -> Mapping[str, Any]:
    holds = {} if alert.holds_for == "0s" else {"for": alert.holds_for}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **holds,
        "labels": {"severity": alert.severity, "part": alert.part},
        "annotations": {"summary": alert.summary, "runbook_url": f"docs/runbooks/{alert.page}"},
    }


class _Dumper(yaml.SafeDumper):
    """Expressions of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return cast("Any", dumper).represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _file(groups: Sequence[Mapping[str, Any]]) -> str:
    return HEADER + yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
