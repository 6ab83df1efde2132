"""The twelve insurers: what they are together, and that the settings by example speak of the same ones."""

import re
import tomllib
from decimal import Decimal
from math import exp, log
from pathlib import Path
from statistics import NormalDist, fmean, quantiles
from typing import Final

from app.domain.application import VehicleCategory
from app.domain.insurer import INSURER_ID
from sandbox.insurers.model.catalogue import INSURERS

SETTINGS: Final = Path(__file__).parents[3] / "insurers.toml"


def test_twelve_with_ids_that_the_aggregator_takes_and_russian_names() -> None:
    """Ids are names of streams and lanes; no name stands twice."""
    assert len(INSURERS) == len({profile.name for profile in INSURERS.values()}) == 12
    for id_, profile in INSURERS.items():
        assert id_ == profile.id
        assert INSURER_ID.fullmatch(id_)
        assert re.fullmatch(r"[А-Яа-яё ]+", profile.name)


def test_base_rates_are_spread_near_the_ceiling() -> None:
    """They lie at 85 to 100 % of the corridor, no two alike."""
    positions = sorted(profile.rate_position for profile in INSURERS.values())
    assert len(set(positions)) == 12
    assert (positions[0], positions[-1]) == (Decimal("0.850"), Decimal("1.000"))


def test_latencies_are_those_of_the_market() -> None:
    """All together have a median of about 8 s and a 95th percentile of about 35 s; some are quick, some are slow."""
    latencies = [
        exp(NormalDist(log(profile.latency_median_s), profile.latency_spread).inv_cdf((n + 0.5) / 500))
        for profile in INSURERS.values()
        for n in range(500)
    ]
    percentiles = quantiles(latencies, n=100)
    assert 7.5 < percentiles[49] < 8.5
    assert 33 < percentiles[94] < 37
    medians = [profile.latency_median_s for profile in INSURERS.values()]
    assert min(medians) < 3
    assert max(medians) > 20


def test_a_tenth_is_refused() -> None:
    """The share is an average; some insurers refuse more than others."""
    shares = [profile.refusals for profile in INSURERS.values()]
    assert 0.09 < fmean(shares) < 0.11
    assert min(shares) < 0.05
    assert max(shares) > 0.15


def test_the_settings_by_example_name_these_insurers() -> None:
    """`insurers.toml` and the sandbox agree, in the same order."""
    tables = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))["insurer"]
    assert [(table["id"], table["name"]) for table in tables] == [(each.id, each.name) for each in INSURERS.values()]
    for table in tables:
        assert table["adapter"] == INSURERS[table["id"]].dialect
        assert set(table.get("categories", VehicleCategory)) == INSURERS[table["id"]].categories
        assert table["base_url"] == f"http://127.0.0.1:8100/{table['id']}"


def test_the_settings_show_every_key() -> None:
    """The file is the documentation by example: each key of the contract stands in its first entry, or is shown there."""
    text = SETTINGS.read_text(encoding="utf-8").split("[[insurer]]")[1]
    keys = (
        "token_env",
        "rate_limit",
        "poll_rate_limit",
        "max_in_flight",
        "request_timeout",
        "poll_interval",
        "breaker",
        "categories",
        "options",
    )
    for key in ("id", "name", "adapter", "base_url", *keys, "retry"):
        assert re.search(rf"^(# )?{key} = ", text, re.MULTILINE), key
