"""`python -m tools.observability.deploy_files` (`make docs`): writes every file that is made from `deploy/observability`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.observability.alert_data import ROOT, read_alerts, read_promises
from tools.observability.grafana_dashboards import dashboard_json, dashboards
from tools.observability.prometheus_rules import alert_rules, burn_alerts, recording_rules
from tools.observability.runbook_pages import alerts_table, runbook_index, runbook_page

RULES: Final = ROOT / "deploy" / "prometheus" / "rules"
DASHBOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"
RUNBOOKS: Final = ROOT / "docs" / "runbooks"
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
        RUNBOOKS / "README.md": runbook_index(alerts),
        OPERATIONS: _TABLE.sub(lambda part: part[1] + table + part[2], operations),
    }


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
