"""Controls: what is refused, what stands in the audit, when a control ends, and what a process knows of it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from support.world import World

from app.domain.errors import ControlRefused
from app.domain.operators.control import SYSTEM, AuditAction, AuditEntry, Control, ControlKind, Controls, Order
from app.resources import Resources
from app.use_cases.controls.control_watch import ControlWatch
from app.use_cases.controls.operator_controls import RATE_PER_S_MAX, control_rate

ORDER = Order("anna", "its test stand is down")


@pytest.fixture
async def resources(world: World) -> Resources:
    await world.insurers("sever", "volga")
    return await world.resources()


async def audited(resources: Resources) -> list[tuple[str, str, str, str, str]]:
    """The newest last."""
    entries = await resources.controls.audit()
    return [(one.action.value, one.kind, one.subject, one.setting, one.author) for one in reversed(entries)]


async def test_each_change_stands_with_its_entry_in_the_audit(resources: Resources) -> None:
    """The entry has name and reason; a second order of the same kind replaces the first."""
    controls = resources.controls
    await controls.pause("sever", ORDER)
    held = await controls.pause("sever", Order("boris", "only for an hour", 3600.0), holds=True)
    await controls.limit("volga", "50/min", ORDER, polls=True)
    await controls.circuit("volga", "open", ORDER)
    in_force = {(one.kind, one.subject): one for one in await controls.in_force()}
    assert in_force[ControlKind.PAUSE, "sever"] == held
    assert held.until == held.since + timedelta(hours=1)
    rate = control_rate(in_force[ControlKind.POLL_LIMIT, "volga"])
    assert rate is not None
    assert str(rate) == "50/min"
    await controls.resume("sever", ORDER)
    assert await controls.limit("volga", "file", ORDER, polls=True) is None
    assert await controls.circuit("volga", "auto", ORDER) is None
    assert await controls.in_force() == []
    assert await audited(resources) == [
        ("set", "pause", "sever", "refuse", "anna"),
        ("set", "pause", "sever", "hold", "boris"),
        ("set", "poll-limit", "volga", "50/min", "anna"),
        ("set", "circuit", "volga", "open", "anna"),
        ("lifted", "pause", "sever", "hold", "anna"),
        ("lifted", "poll-limit", "volga", "50/min", "anna"),
        ("lifted", "circuit", "volga", "open", "anna"),
    ]
    newest, *_ = await controls.audit(most=1)
    (before,) = await controls.audit(before=newest.id, most=1)
    assert (newest.kind, before.kind, before.why) == ("circuit", "poll-limit", ORDER.why)
    assert {one.subject for one in await controls.audit(subject="sever")} == {"sever"}


async def test_what_makes_no_sense_is_refused_and_changes_nothing(resources: Resources) -> None:
    """One line says why."""
    controls = resources.controls
    refused = [
        (controls.pause("nord", ORDER), "nord: not in the file of insurers, which has sever, volga"),
        (controls.resume("sever", ORDER), "sever is not paused"),
        (controls.resume("nord", ORDER), "nord: not in the file"),
        (controls.limit("sever", "0/s", ORDER), "a rate is a number per unit of time"),
        (controls.limit("sever", f"{RATE_PER_S_MAX + 1:.0f}/s", ORDER), f"a rate is at most {RATE_PER_S_MAX:.0f}/s"),
        (controls.limit("sever", "fast", ORDER), "or file"),
        (controls.limit("sever", "file", ORDER), "sever has the limit of the file already"),
        (controls.circuit("sever", "ajar", ORDER), "ajar: a circuit is forced open or closed"),
        (controls.circuit("sever", "auto", ORDER), "sever has its circuit left to itself already"),
        (controls.drain("worker", ORDER), "worker: no worker of this name is alive"),
    ]
    for ordered, why in refused:
        with pytest.raises(ControlRefused) as refusal:
            await ordered
        assert why in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert await controls.in_force() == []
    assert await controls.audit() == []


@pytest.mark.parametrize(
    ("author", "why", "lasts_s"),
    [("", "x", None), ("a", " ", None), ("a", "x" * 501, None), ("a\n", "x", None), ("a", "x\x00", None)]
    + [("a", "x", seconds) for seconds in (0.0, -1.0, 0.9, 30 * 86_400.0 + 1, float("nan"), float("inf"))],
)
def test_an_order_has_an_author_a_reason_and_a_bounded_time(author: str, why: str, lasts_s: float | None) -> None:
    """Pausing for no time, or for ever by a slip, makes no sense."""
    with pytest.raises(ControlRefused):
        Order(author, why, lasts_s)


async def test_a_control_ends_by_itself_and_the_audit_says_so(world: World, resources: Resources) -> None:
    """Its row goes with an entry of the audit, once, however many processes look."""
    await resources.controls.pause("sever", Order("anna", "a moment", 1.0))
    seen: list[Controls] = []
    watches = [ControlWatch(resources.pool, resources.clock, seen.append, every_s=60) for _ in range(2)]
    for watch in watches:
        await watch.run_once()
    assert [[control.setting for control in controls.values()] for controls in seen] == [["refuse"], ["refuse"]]
    await world.database.fetch(
        "UPDATE osago_controls SET since = since - interval '1 h', until = until - interval '1 h'"
    )
    assert await resources.controls.in_force() == []
    for watch in watches:
        await watch.run_once()
    assert seen[2:] == [{}, {}]
    assert await world.database.fetch("SELECT * FROM osago_controls") == []
    assert (await audited(resources))[1:] == [("expired", "pause", "sever", "refuse", SYSTEM)]


async def test_what_is_known_holds_while_postgresql_is_away(world: World, resources: Resources) -> None:
    """A pause ends neither with a server nor with a look that fails."""
    await resources.controls.circuit("sever", "open", ORDER)
    seen: list[Controls] = []
    watch = ControlWatch(resources.pool, resources.clock, seen.append, every_s=60)
    await watch.run_once()
    await world.database.break_connections(for_good=True)
    await watch.run_once()
    assert len(seen) == 1
    assert isinstance(watch.get(ControlKind.CIRCUIT, "sever"), Control)


async def test_requests_are_cancelled_in_bulk_in_batches_with_an_entry_each(world: World, resources: Resources) -> None:
    """They end as after the mutation: missing quotes are CANCELLED, answers stay."""
    api, settler = await world.api(), await world.settler()
    accepted = [await world.accepted(api) for _ in range(3)]
    ids = [UUID(one["quoteRequest"]["id"]) for one in accepted]
    await settler.settle(accepted[0], "sever")
    assert await resources.bulk_cancel.waiting_for("sever") == 2
    done = await resources.bulk_cancel.cancel_waiting_for("sever", ORDER)
    assert (done.cancelled, done.ended, done.unknown) == (2, 0, 0)
    done = await resources.bulk_cancel.cancel([*ids, uuid4()], ORDER)
    assert (done.cancelled, done.ended, done.unknown) == (1, 2, 1)
    *quotes, end = await world.watched(api, accepted[0])
    assert {quote["quote"]["insurer"]["id"]: quote["quote"]["status"] for quote in quotes} == {
        "sever": "OFFERED",
        "volga": "CANCELLED",
    }
    assert end["outcome"] == "CANCELLED"
    last, first = await resources.controls.audit()
    assert (first.subject, set(first.request_ids)) == ("sever", set(ids[1:]))
    assert (last.action, last.subject, last.request_ids) == (AuditAction.CANCELLED, "", (ids[0],))


async def test_the_audit_goes_when_its_time_is_up(world: World, resources: Resources) -> None:
    """Controls stay when their entries go."""
    await resources.controls.pause("sever", ORDER)
    now = resources.clock.now()
    await resources.controls.record(AuditEntry(now, AuditAction.LOOKED, "request", str(uuid4()), "anna"))
    await world.database.fetch("UPDATE osago_control_audit SET at = at - interval '1094 d'")
    await resources.controls.forget_old_audit()
    assert [one[0] for one in await audited(resources)] == ["set", "looked"]
    await world.database.fetch("UPDATE osago_control_audit SET at = at - interval '2 d' WHERE action = 'set'")
    await resources.controls.forget_old_audit()
    assert [one[0] for one in await audited(resources)] == ["looked"]
    assert [one.subject for one in await resources.controls.in_force()] == ["sever"]
