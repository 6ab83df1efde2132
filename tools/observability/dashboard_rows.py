"""What each dashboard shows, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tools.observability.alert_data import Promise


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are PromQL with the legend of their series; `red_from` draws a line."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    about: str = ""
    kind: str = "timeseries"
    red_from: float | None = None
    is_now: bool = False


def _quantiles(metric: str, by: str = "", where: str = "") -> Sequence[tuple[str, str]]:
    """Median and 99th percentile of a histogram, by these labels."""
    labels = f"le, {by}" if by else "le"
    legend = "".join(f"{{{{{label.strip()}}}}} " for label in by.split(",") if by)
    return [
        (f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{where}[5m])))", f"{legend}p{int(q * 100)}")
        for q in (0.5, 0.99)
    ]


def overview(promises: Sequence[Promise]) -> Sequence[tuple[str, Sequence[Panel]]]:
    """What is promised, and whether it is kept."""
    return [
        (
            "Now",
            [
                Panel("Alerts", [('ALERTS{alertstate="firing"}', "{{alertname}} {{insurer}} {{worker}} {{server}} {{instance}}")], kind="table", is_now=True),
                Panel("Open requests", [("max(osago_requests_open)", "open"), ("max(osago_requests_at_risk)", "at risk"), ("max(osago_requests_overdue)", "overdue")], about="At risk: less than 10 s left, and quotes missing."),
                Panel("Circuits open", [("max by (insurer) (osago_circuit_open) > 0", "{{insurer}}")], about="1 open, 0.5 on trial."),
            ],
        ),
        ("Promises", [_budget(promise) for promise in promises]),
        (
            "Requests",
            [
                Panel("Accepted a second", [("sum(rate(osago_requests_accepted_total[1m]))", "accepted")], "reqps"),
                Panel("Ended a second", [("sum by (outcome, offers) (rate(osago_requests_ended_total[5m]))", "{{outcome}}, {{offers}} offers")], "reqps"),
                Panel("Time to the first offer", _quantiles("osago_first_offer_seconds"), "s"),
            ],
        ),
        (
            "Insurers and browsers",
            [
                Panel("Quotes a second", [("sum by (status) (rate(osago_quotes_settled_total[1m]))", "{{status}}")], "ops"),
                Panel("Answer to frame", _quantiles("osago_answer_to_frame_seconds"), "s", red_from=0.5),
                Panel("First call", _quantiles("osago_first_call_seconds"), "s", red_from=1.0),
            ],
        ),
        *_OF_PARTS,
    ]  # fmt: skip


_OF_PARTS: Final[Sequence[tuple[str, Sequence[Panel]]]] = [
    (
        "Bridge",
        [
            Panel("Behind by", [("max by (destination) (osago_bridge_lag_seconds)", "{{destination}}")], "s", red_from=60),
            Panel("Events a second", [("sum by (destination, result) (rate(osago_bridge_events_total[1m]))", "{{destination}} {{result}}")], "ops"),
            Panel("Read and not delivered", [("max by (destination) (osago_bridge_waiting)", "{{destination}}"), ("sum by (destination) (osago_bridge_active)", "{{destination}} served by")]),
            Panel("Gaps in the feed", [("sum by (destination) (increase(osago_bridge_recoveries_total[1h]))", "{{destination}}")]),
        ],
    ),
    (
        "Sockets",
        [
            Panel("Subscriptions", [("sum by (instance) (osago_subscriptions)", "{{instance}}")]),
            Panel("Begun and resumed a second", [("sum by (how) (rate(osago_subscriptions_begun_total[1m]))", "{{how}}")], "ops"),
            Panel("Close codes a second", [("sum by (code) (rate(osago_sockets_closed_total[1m])) > 0", "{{code}}"), ("sum(rate(osago_connects_refused_total[1m]))", "put off"), ("sum(rate(osago_slow_consumers_total[1m]))", "slow")], "ops"),
        ],
    ),
    (
        "Refusals",
        [
            Panel("Errors and limits a second", [("sum by (code) (rate(osago_errors_total[5m]))", "{{code}}"), ("sum by (limit) (rate(osago_rate_limited_total[5m]))", "{{limit}}"), ("sum by (caller, what) (rate(osago_share_exhausted_total[5m])) > 0", "{{caller}} {{what}}")], "ops"),
            Panel("Offers that the tariff doubts", [("sum by (insurer, kind) (increase(osago_premiums_unlawful_total[1h])) > 0", "{{insurer}} {{kind}}"), ("sum by (insurer, kind) (increase(osago_offers_inconsistent_total[1h])) > 0", "{{insurer}} {{kind}}")]),
        ],
    ),
]  # fmt: skip


def _budget(promise: Promise) -> Panel:
    budget = f"{1 - promise.objective:.6g}"
    queries = [(f"{promise.burn(window)} / {budget}", window) for window in ("5m", "1h", "6h", "3d")]
    return Panel(promise.name, queries, about=f"{promise.promise} How many times faster than the budget allows it is used up: above 14.4 it pages.", red_from=14.4)  # fmt: skip


_I: Final = '{insurer=~"$insurer"}'
INSURER: Final[Sequence[tuple[str, Sequence[Panel]]]] = [
    (
        "Is it them?",
        [
            Panel("Calls a second, by result", [(f"sum by (insurer, result, why) (rate(osago_insurer_calls_total{_I}[1m])) > 0", "{{insurer}} {{result}} {{why}}")], "ops"),
            Panel("What a call takes", _quantiles("osago_insurer_call_seconds", "insurer, step", _I), "s"),
            Panel("Circuit", [(f"max by (insurer) (osago_circuit_open{_I})", "{{insurer}}"), (f"max by (insurer) (osago_insurer_paused{_I}) > 0", "{{insurer}} paused by an operator")], about="1 open, 0.5 on trial."),
        ],
    ),
    (
        "Answers",
        [
            Panel("From job to answer", _quantiles("osago_asking_seconds", "insurer", _I), "s"),
            Panel("Jobs a second, by answer", [(f"sum by (insurer, status) (rate(osago_asking_seconds_count{_I}[5m])) > 0", "{{insurer}} {{status}}")], "ops"),
            Panel("Polls in vain, share", [(f'sum by (insurer) (rate(osago_polls_empty_total{_I}[5m])) / sum by (insurer) (rate(osago_insurer_calls_total{{insurer=~"$insurer", step="poll"}}[5m]))', "{{insurer}}")], "percentunit"),
        ],
    ),
    (
        "Is it us?",
        [
            Panel("Unread jobs", [(f"max by (insurer) (osago_jobs_waiting{_I})", "{{insurer}}")]),
            Panel("Age of the oldest", [(f"max by (insurer) (osago_jobs_oldest_seconds{_I})", "{{insurer}} unread"), (f"max by (insurer) (osago_asking_oldest_seconds{_I})", "{{insurer}} asked about")], "s"),
            Panel("In flight", [(f"sum by (insurer) (osago_jobs_in_flight{_I})", "{{insurer}}")]),
            Panel("Waits for its limit", _quantiles("osago_limit_wait_seconds", "insurer, step", _I), "s"),
        ],
    ),
    (
        "Rarely",
        [
            Panel("Jobs given up, taken over, given back", [(f"sum by (insurer) (increase(osago_dead_letters_total{_I}[1h]))", "{{insurer}} given up"), (f"sum by (insurer) (increase(osago_jobs_claimed_total{_I}[1h]))", "{{insurer}} taken over"), (f"sum by (insurer, why) (increase(osago_jobs_handed_back_total{_I}[1h])) > 0", "{{insurer}} given back: {{why}}")]),
            Panel("Texts with personal data, dropped", [(f"sum by (insurer, field) (increase(osago_insurer_echoes_total{_I}[1h])) > 0", "{{insurer}} {{field}}")]),
            Panel("Certificates end in", [(f"min by (insurer, certificate) (osago_insurer_certificate_expiry_timestamp_seconds{_I}) - time()", "{{insurer}} {{certificate}}")], "s"),
        ],
    ),
]  # fmt: skip

_P: Final = '{instance=~"$instance"}'
WORKER: Final[Sequence[tuple[str, Sequence[Panel]]]] = [
    (
        "Alive",
        [
            Panel("Answers its metrics", [('up{job=~"osago.*", instance=~"$instance"}', "{{job}} {{instance}}")]),
            Panel("Workers", [(f"osago_worker{_P}", "{{worker}} {{instance}}")], kind="table", is_now=True),
            Panel("Lost workers", [("sum by (worker) (increase(osago_workers_lost_total[1h])) > 0", "{{worker}}")]),
        ],
    ),
    (
        "CPU",
        [
            Panel("Event loop lag", _quantiles("osago_event_loop_lag_seconds", "instance", _P), "s", red_from=0.5),
            Panel("Beats late by", _quantiles("osago_heartbeat_late_seconds", "instance", _P), "s", red_from=1.5),
            Panel("CPU used", [(f"rate(process_cpu_seconds_total{_P}[1m])", "{{instance}}")], "percentunit"),
            Panel("Memory", [(f"process_resident_memory_bytes{_P}", "{{instance}}")], "bytes"),
        ],
    ),
    (
        "Work",
        [
            Panel("Jobs in flight", [(f"sum by (instance) (osago_jobs_in_flight{_P})", "{{instance}}")]),
            Panel("Controls in force", [(f"max by (kind) (osago_controls{_P})", "{{kind}}")]),
            Panel("Parts that failed", [(f"sum by (instance, part) (increase(osago_part_failures_total{_P}[1h])) > 0", "{{instance}} {{part}}")]),
            Panel("Descriptors", [(f"process_open_fds{_P}", "{{instance}}"), (f"increase(osago_descriptors_short_total{_P}[5m]) > 0", "{{instance}} short")]),
        ],
    ),
]  # fmt: skip

DATABASES: Final[Sequence[tuple[str, Sequence[Panel]]]] = [
    (
        "Servers",
        [
            Panel("Usable", [("min by (server) (osago_server_usable)", "{{server}}")]),
            Panel("A look takes", [("max by (server) (osago_server_look_seconds)", "{{server}} slowest"), ("min by (server) (osago_server_look_seconds)", "{{server}} quickest")], "s", red_from=0.2),
            Panel("Clocks: machine minus PostgreSQL", [("osago_clock_offset_seconds", "{{instance}}")], "s"),
            Panel("Failovers", [("sum by (of) (increase(osago_failovers_total[1h]))", "{{of}}"), ("sum(increase(osago_acknowledged_lost_total[1h]))", "acknowledged and lost")]),
        ],
    ),
    (
        "PostgreSQL",
        [
            Panel("Waits for a connection", _quantiles("osago_pool_wait_seconds", "of"), "s"),
            Panel("A group commit takes", _quantiles("osago_group_commit_seconds", "commit"), "s"),
            Panel("… waits for its turn", _quantiles("osago_group_commit_wait_seconds", "commit"), "s"),
            Panel("… and has items", [("sum by (commit) (rate(osago_group_commit_size_sum[5m])) / sum by (commit) (rate(osago_group_commit_size_count[5m]))", "{{commit}}")]),
        ],
    ),
    (
        "Redis",
        [
            Panel("Outbox, oldest notice", [("max(osago_outbox_oldest_seconds)", "oldest")], "s"),
            Panel("Relayed, recovered a second", [("sum(rate(osago_outbox_relayed_total[5m]))", "relayed"), ("sum(rate(osago_jobs_recovered_total[5m]))", "recovered")], "ops"),
            Panel("Pub/sub heard", [("min by (instance) (osago_notifier_connected)", "{{instance}}"), ("sum by (instance) (increase(osago_notifier_reconnects_total[5m]))", "{{instance}} reconnects")]),
            Panel("Foreign events", [("sum(increase(osago_events_foreign_total[5m]))", "foreign")]),
        ],
    ),
    (
        "Data at rest",
        [
            Panel("Documents sealed in 30 days", [("sum by (purpose, key) (increase(osago_seals_total[30d]))", "{{purpose}} {{key}}")], red_from=1e9),
            Panel("What is due to be destroyed is late by", [("max by (kind) (osago_purge_lag_seconds)", "{{kind}}")], "s", red_from=3600),
            Panel("Destroyed an hour", [("sum by (kind) (increase(osago_purged_total[1h]))", "{{kind}}")]),
        ],
    ),
]  # fmt: skip
