"""Grafana's dashboards: each a list of rows, a row a list of panels, a panel some queries."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tools.observability.alert_data import Promise
from tools.observability.dashboard_rows import DATABASES, INSURER, WORKER, Panel, overview

_COLUMNS: Final = 24
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`variables` are names with the query that lists their values."""

    uid: str
    title: str
    rows: Sequence[tuple[str, Sequence[Panel]]]
    variables: Mapping[str, str]


def dashboards(promises: Sequence[Promise]) -> list[Dashboard]:
    """All of them."""
    instance = "label_values(osago_event_loop_lag_seconds_count, instance)"
    return [
        Dashboard("osago-overview", "osago overview", overview(promises), {}),
        Dashboard("osago-insurer", "osago insurer", INSURER, {"insurer": "label_values(osago_circuit_open, insurer)"}),
        Dashboard("osago-worker", "osago processes", WORKER, {"instance": instance}),
        Dashboard("osago-databases", "osago databases", DATABASES, {}),
    ]


def dashboard_json(dashboard: Dashboard) -> str:
    """The file that Grafana provisions."""
    document: dict[str, Any] = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["osago"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["osago"], "title": "osago", "asDropdown": True, "keepTime": True}],
        "templating": {"list": [_datasource(), *(_variable(*one) for one in dashboard.variables.items())]},
        "panels": _panels(dashboard),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    placed: list[dict[str, Any]] = []
    y = 0
    for title, panels in dashboard.rows:
        placed.append({"id": len(placed) + 1, "type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"h": 1, "w": _COLUMNS, "x": 0, "y": y}})  # fmt: skip
        y += 1
        width = _COLUMNS // len(panels)
        for column, panel in enumerate(panels):
            at = {"h": _HEIGHT, "w": width, "x": column * width, "y": y}
            placed.append(_panel(panel, len(placed) + 1, at))
        y += _HEIGHT
    return placed


def _panel(panel: Panel, id_: int, at: Mapping[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "datasource": _SOURCE, "expr": expr, "legendFormat": legend, "instant": panel.is_now}
        for number, (expr, legend) in enumerate(panel.queries)
    ]  # fmt: skip
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.red_from is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.red_from}]
        defaults |= {
            "thresholds": {"mode": "absolute", "steps": steps},
            "custom": {"thresholdsStyle": {"mode": "line"}},
        }
    return {
        "id": id_,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}}
        if panel.kind == "timeseries"
        else {},
        "targets": targets,
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "source"}


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "sort": 1,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }
