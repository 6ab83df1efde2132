"""The rules over recorded series: half an hour of the demo's load, in which nothing is wrong, and a minute in which an insurer is."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest
import yaml
from prometheus_client import REGISTRY, generate_latest
from support.prometheus import RULES, check_rules
from support.recordings import read_recording, samples_of, series_of, used_by, write_test
from support.until import until
from support.world import World

from sandbox.insurers.script.behaviours import Status
from tools.observability.deploy_files import ROOT

HEALTHY: Final = Path(__file__).parent / "healthy.series.gz"
"""Three processes of the demo, every 10 s: the series that a rule reads."""
HEALTHY_MIN: Final = 30
TESTS: Final = sorted((ROOT / "deploy/prometheus/tests").glob("*.yml"))
PRESENCE: Final = "osago_worker{"
COUNTED: Final = ("_total", "_count", "_sum", "_bucket")
FIRES: Final = 'ALERTS{alertstate="firing"}'


def read_by_rules() -> set[str]:
    """Names of the series that rules read."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULES.glob("*.yml")]
    return used_by(rule["expr"] for file in files for group in file["groups"] for rule in group["rules"])


@pytest.mark.compat
@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_rules_pass_their_own_tests(file: Path) -> None:
    """Burn rates over hours, and what live processes hardly show."""
    assert "SUCCESS" in check_rules(file)


@pytest.mark.compat
def test_half_an_hour_of_healthy_load_fires_no_alert(tmp_path: Path) -> None:
    """The demo's insurers have faults by nature: a twentieth of the applications meets one."""
    series = read_recording(HEALTHY)
    assert {name.partition("{")[0] for name in series} <= read_by_rules()
    assert sum("osago_insurer_calls_total" in name and "5xx" in name and not name.endswith("0x") for name in series)
    silent = [{"expr": FIRES, "eval_time": f"{minute}m", "exp_samples": []} for minute in range(1, HEALTHY_MIN + 1)]
    test = tmp_path / "healthy.yml"
    write_test(test, RULES, series, "10s", promql_expr_test=silent)
    check_rules(test)


async def test_an_insurer_that_fails_is_named_by_its_alert_and_by_no_other(world: World, tmp_path: Path) -> None:
    """The series are those of the running system with the fault there; only the scrapes are set apart: 15 s each."""
    await world.insurers("sever", "volga", more={"retry": {"attempts": 1}})
    api = await world.api()
    await world.worker()
    before = _scrape()
    scrapes = [_scrape(before)]
    for fault in (None, Status(status=500), Status(status=500)):
        world.sandbox.set_mode("sever", fault)
        for _ in range(3):
            accepted = await world.accepted(api)
            await until(lambda accepted=accepted: _is_over(world, accepted))
        scrapes.append(_scrape(before))
    test = tmp_path / "failing.yml"
    labels = {"severity": "page", "part": "insurer", "insurer": "sever", "step": "create", "alertstate": "firing"}
    fires = "ALERTS{" + ", ".join(f'{name}="{value}"' for name, value in {"alertname": "OsagoInsurerFailing", **labels}.items()) + "}"  # fmt: skip
    expected = [
        {"expr": FIRES, "eval_time": "15s", "exp_samples": []},
        {"expr": FIRES, "eval_time": "45s", "exp_samples": [{"labels": fires, "value": 1}]},
    ]
    write_test(test, RULES, series_of(scrapes), "15s", promql_expr_test=expected)
    check_rules(test)


def _scrape(before: Mapping[str, float] = MappingProxyType({})) -> Mapping[str, float]:
    """Series of insurers, counted since the scrape before: others show how busy this machine is, and what tests before this one did."""
    exposition = generate_latest(REGISTRY).decode()
    scraped = samples_of(exposition, read_by_rules(), instance="here", job="osago-worker")
    return {
        name: value - (before.get(name, 0.0) if name.partition("{")[0].endswith(COUNTED) else 0.0)
        for name, value in scraped
        if 'insurer="' in name or name.startswith(PRESENCE)
    }


async def _is_over(world: World, accepted: Mapping[str, Any]) -> bool:
    rows = await world.database.fetch(
        "SELECT 1 FROM osago_requests WHERE id = $1::uuid AND completed_at IS NOT NULL", accepted["quoteRequest"]["id"]
    )
    return bool(rows)
