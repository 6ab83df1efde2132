"""`python -m tools.observability.deploy_files` (`make docs`): writes every file that is made from `deploy/observability`."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from app.observability.faults import RUNBOOKS as PAGES_OF_FAULTS
from tools.observability.alert_data import ROOT, Alert, read_alerts, read_promises, read_translations
from tools.observability.grafana_dashboards import dashboard_json, dashboards
from tools.observability.prometheus_rules import alert_rules, burn_alerts, recording_rules
from tools.observability.runbook_pages import alerts_table, runbook_index, runbook_page

RULES: Final = ROOT / "deploy" / "prometheus" / "rules"
DASHBOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"
RUNBOOKS: Final = ROOT / "docs" / "runbooks"
CONSOLE: Final = ROOT / "frontend" / "operator" / "public" / "runbooks.json"
OPERATIONS: Final = ROOT / "docs" / "operations.md"
FOLDERS: Final = (RULES, DASHBOARDS, RUNBOOKS)
"""All that lies in them is made."""
_TABLE: Final = re.compile(r"(<!-- alerts: made [^\n]*-->\n).*?(<!-- until here -->\n)", re.DOTALL)


def made_files() -> Mapping[Path, str]:
    """What each file should hold."""
    promises = read_promises()
    alerts = [*burn_alerts(promises), *read_alerts()]
    operations = OPERATIONS.read_text(encoding="utf-8")
    table = alerts_table(alerts, "runbooks/")
    return {
        RULES / "osago.recording.yml": recording_rules(promises),
        RULES / "osago.alerts.yml": alert_rules(alerts),
        **{DASHBOARDS / f"{one.uid}.json": dashboard_json(one) for one in dashboards(promises)},
        **{RUNBOOKS / one.page: runbook_page(one) for one in alerts},
        CONSOLE: console_pages(alerts),
        RUNBOOKS / "README.md": runbook_index(alerts),
        OPERATIONS: _TABLE.sub(lambda part: part[1] + table + part[2], operations),
    }


def console_pages(alerts: Sequence[Alert]) -> str:
    """The pages that the console links to, as JSON: it needs neither this repository nor internet."""
    shown, russian = set(PAGES_OF_FAULTS.values()), read_translations()
    pages = {
        one.slug: {
            "alert": one.name,
            "meaning": one.meaning,
            "look": one.look,
            "act": one.act,
            "ru": {**russian[one.slug], "look": _translated(one, russian[one.slug]["look"])},
        }
        for one in alerts
        if one.slug in shown
    }
    return json.dumps(pages, ensure_ascii=False, indent=1) + "\n"


def _translated(alert: Alert, shows: Sequence[str]) -> Sequence[tuple[str, str]]:
    """The same commands, with what they show in another language."""
    return [(command, text) for (command, _), text in zip(alert.look, shows, strict=True)]


def main() -> None:
    made = made_files()
    for folder in FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
        for path in set(folder.iterdir()) - made.keys():
            path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
