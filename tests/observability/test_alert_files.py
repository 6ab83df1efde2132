"""Rules, dashboards and runbooks: made from the promises and alerts as data, over metrics that there are."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml

from cli.main import app
from tools.observability.alert_data import Alert, declared_metrics, read_alerts, read_promises, series_in
from tools.observability.deploy_files import DASHBOARDS, FOLDERS, ROOT, RULES, RUNBOOKS, made_files
from tools.observability.prometheus_rules import burn_alerts

FOREIGN_COMMANDS: Final = {"curl", "chronyc"}
"""What is on a machine of its own accord, or said to be needed."""
ALERTS: Final = [*burn_alerts(read_promises()), *read_alerts()]
MADE: Final = made_files()


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_each_file_is_as_it_is_made(path: Path) -> None:
    """`make docs` makes the files anew."""
    assert path.read_text(encoding="utf-8") == MADE[path]


def test_nothing_else_lies_beside_them() -> None:
    """A page of an alert that is gone would be read all the same."""
    assert {path for folder in FOLDERS for path in folder.iterdir()} <= MADE.keys()


def expressions(path: Path) -> list[str]:
    """All queries of a file."""
    document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.suffix == ".yml":
        return [rule["expr"] for group in document["groups"] for rule in group["rules"]]
    queries = [target["expr"] for panel in document["panels"] for target in panel.get("targets", ())]
    return [*queries, *(one["query"]["query"] for one in document["templating"]["list"] if one["type"] == "query")]


FILES: Final = [path for path in MADE if path.parent in {RULES, DASHBOARDS}]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_metric_that_is_used_is_one(path: Path) -> None:
    """A query over a metric that is not there never fires, and shows nothing."""
    used = set[str]().union(*(series_in(expr) for expr in expressions(path)))
    assert used
    assert used <= declared_metrics().keys()


def test_every_label_that_is_asked_for_is_one() -> None:
    """A wrong label in a query matches nothing."""
    for path in FILES:
        for expr in expressions(path):
            for name, inside in re.findall(r"(osago_[a-z0-9_]+)\{([^}]*)\}", expr):
                labels = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", inside))
                assert labels <= {*declared_metrics()[name]._labelnames, "instance", "job", "le"}, expr


def test_what_is_recorded_is_what_alerts_and_panels_read() -> None:
    """Each `osago:` series that is read is recorded, and each one that is recorded is read."""
    rules = yaml.safe_load((RULES / "osago.recording.yml").read_text(encoding="utf-8"))
    recorded = {rule["record"] for group in rules["groups"] for rule in group["rules"]}
    read = {name for path in FILES for expr in expressions(path) for name in re.findall(r"osago:[a-z_0-9:]+", expr)}
    assert read <= recorded
    assert recorded - read <= {"osago:slo_objective:ratio"}


def test_every_metric_is_on_a_dashboard() -> None:
    """What is measured can be looked at without writing a query."""
    shown = set[str]().union(*(series_in(expr) for path in FILES for expr in expressions(path)))
    assert {metric for name, metric in declared_metrics().items() if name in shown} == set(declared_metrics().values())


def test_no_alert_compares_what_it_would_never_see() -> None:
    """A circuit under trial is 0.5, so that `== 1` begins anew with each trial; a gauge that only workers have is absent
    without them.
    """
    alerts = " ".join(alert.expr for alert in ALERTS)
    assert "(osago_circuit_open) > 0" in alerts
    assert "(osago_circuit_open) ==" not in alerts
    assert "absent(osago_worker)" in alerts


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_first_command_of_a_runbook_is_one(alert: Alert) -> None:
    """The page is there, and its first line can be typed."""
    page = (RUNBOOKS / alert.page).read_text(encoding="utf-8")
    match = re.search(r"```sh\n(.+?)\s+# ", page)
    assert match
    group: Any = typer.main.get_command(app)
    for command, _ in alert.look:
        program, *arguments = shlex.split(command)
        assert program in {"osago", *FOREIGN_COMMANDS}
        known = group
        for word in arguments if program == "osago" else ():
            if hasattr(known, "commands") and word.islower():
                assert word in known.commands or not known.commands, command
                known = known.commands[word]
    assert match[1] == alert.look[0][0]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_names_what_it_is_about(alert: Alert) -> None:
    """Its summary has the labels that its rule leaves, and no others."""
    grouped = set[str]().union(*(group.split(", ") for group in re.findall(r"by \(([^)]*)\)", alert.expr)))
    named = set(re.findall(r"\$labels\.([a-z_]+)", alert.summary))
    assert named <= grouped | {"instance", "job", *(("insurer", "step") if "osago:insurer" in alert.expr else ())}
    assert alert.part in {"insurer", "lane", "worker", "process", "job", "server", "notifier", "bridge", "clock", "keys", "retention", "request", "api", "slo"}  # fmt: skip


def test_dashboards_are_whole() -> None:
    """Ids once each, panels that do not overlap, one title once in a dashboard."""
    for path in DASHBOARDS.iterdir():
        document = json.loads(path.read_text(encoding="utf-8"))
        panels = document["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        places = [(x, panel["gridPos"]["y"]) for panel in panels for x in _columns(panel)]
        assert len(places) == len(set(places))
        titles = [panel["title"] for panel in panels]
        assert len(titles) == len(set(titles))
        assert document["uid"] == path.stem


def _columns(panel: Any) -> range:
    at = panel["gridPos"]
    assert at["x"] + at["w"] <= 24
    return range(at["x"], at["x"] + at["w"])


def test_a_promise_is_about_a_bound_that_its_histogram_has() -> None:
    """Between two buckets nothing is counted."""
    for promise in read_promises():
        assert series_in(promise.total) | series_in(promise.bad) <= declared_metrics().keys()
        assert 0.9 <= promise.objective < 1
    assert (ROOT / "docs/observability.md").is_file()
