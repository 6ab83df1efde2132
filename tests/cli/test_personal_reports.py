"""Reports that the law on personal data asks for, as an operator's clerk types them."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from support.commands import typed, typed_one_by_one
from support.world import ApiAtHand, World

from app.domain.intake.moscow_calendar import MOSCOW

OPERATOR: Final = "ООО «Ромашка», 101000, г. Москва, ул. Мясницкая, д. 1"
ASKED_AT: Final = datetime.fromisoformat("2026-11-29T10:00:00.120+00:00")
TRAIL: Final = json.dumps(
    [1, "worker-1", int(ASKED_AT.timestamp() * 1000) - 120, "0-1", "", 1, "", 0, [["c", 120, "create", 35, "ok"]]]
)
ANNA: Final = {"lastName": "Берёзкина", "firstName": "Анна", "middleName": "Олеговна", "birthDate": "1988-11-02"}


@dataclass(frozen=True, slots=True)
class Planted:
    """Requests that name Anna: the first is her own, the third has lost its application."""

    as_policyholder: str
    as_owner: str
    as_driver: str
    of_others: str

    @property
    def all(self) -> tuple[str, str, str]:
        return self.as_policyholder, self.as_owner, self.as_driver


def party(application: dict[str, Any], role: str) -> None:
    person = {**application["policyholder"]["person"], **ANNA}
    application[role] = {"person": {**person, "document": {"number": "4512123456", "issuedOn": "2009-01-15"}}}


async def accepted(world: World, api: ApiAtHand, customer: str, application: dict[str, Any]) -> str:
    """Asked of two insurers: the one has answered, the other was paused."""
    made = await world.accepted(api, customerId=customer, application=application)
    settler = await world.settler()
    await settler.settle(made, "sever", "volga")
    return made["quoteRequest"]["id"]


async def planted(world: World) -> Planted:
    """Three requests of three customers, and one that has nothing to do with Anna."""
    world.write_insurers("sever", "volga")
    world.set(operator=OPERATOR)
    api = await world.api()
    ids: list[str] = []
    for customer, role in (("anna-1", "policyholder"), ("boris-2", "owner"), ("vera-3", "driver"), ("gleb-4", "")):
        application = world.new_request()["application"]
        if role == "driver":
            names = {**ANNA, "lastName": "БЕРЕЗКИНА", "middleName": None}
            application["drivers"]["listed"][0] |= {**names, "drivingSince": "2012-09-10"}
            application["drivers"]["listed"][0]["license"]["number"] = "9911654321"
        elif role:
            party(application, role)
        ids.append(await accepted(world, api, customer, application))
    await world.database.fetch(
        "UPDATE osago_requests SET created_at = created_at - interval '31d' WHERE customer_id = 'vera-3'"
    )
    await world.database.fetch("UPDATE osago_quotes SET trail = $1 WHERE insurer_id = 'sever'", TRAIL)
    await (await world.resources()).purging.purge_due()
    return Planted(*ids)


def no_values(text: str) -> bool:
    """No name, day of birth, document, address, telephone, and no other customer's id."""
    values = (
        *ANNA.values(),
        "Березкина",
        "4512123456",
        "9911654321",
        "Кузнецов",
        "Лесная",
        "+7903",
        "boris-2",
        "vera-3",
    )
    return not [value for value in values if value.casefold() in text.casefold()]


async def test_a_person_is_found_as_policyholder_owner_and_driver(world: World) -> None:
    """Requests of other customers count, one of them destroyed: roles, term, recipients and consent, without values."""
    made = await planted(world)
    done = typed(world, "subject-report", "--customer", "anna-1", "--by", "clerk")
    assert done.returncode == 0, done.stderr
    assert no_values(done.stdout), done.stdout
    assert OPERATOR in done.stdout
    for id_ in made.all:
        assert id_ in done.stdout
    assert made.of_others not in done.stdout
    report = json.loads(typed(world, "subject-report", "--customer", "anna-1", "--json", "--by", "clerk").stdout)
    (anna,) = [person for person in report["persons"] if len(person["requests"]) == 3]
    found = {request["id"]: request for request in anna["requests"]}
    assert [found[id_]["roles"] for id_ in made.all] == [["POLICYHOLDER"], ["OWNER"], ["DRIVER"]]
    own, as_owner, as_driver = (found[id_] for id_ in made.all)
    assert own["service"] == "core-app"
    assert [one["insurer"] for one in own["recipients"] if one["sent"]] == ["sever", "volga"]
    assert [one["askedAt"] for one in own["recipients"]] == [ASKED_AT.isoformat(), None], "as far as a trail has it"
    assert own["consent"]["textVersion"] == "2026-09-01"
    kept = datetime.fromisoformat(own["applicationUntil"]) - datetime.fromisoformat(own["acceptedAt"])
    assert kept == timedelta(days=30)
    assert "VEHICLE" in as_owner["categories"]
    assert (as_driver["categories"], as_driver["applicationUntil"]) == ([], None)
    assert [(one["kind"], one["reason"]) for one in as_driver["destroyed"]] == [("application", "retention")]
    assert "DRIVING_LICENSE" in as_driver["destroyed"][0]["categories"]
    audit = await world.database.fetch("SELECT action, kind, subject, author, setting FROM osago_control_audit")
    assert [(row["action"], row["kind"], row["author"], row["setting"]) for row in audit] == [
        ("reported", "subject-report", "clerk", "found 3")
    ] * 2
    assert "anna-1" not in str(audit), "a customer stands there as an identifier"


async def test_other_people_of_a_customer_are_reported_without_what_they_did_elsewhere(world: World) -> None:
    """A report for one customer does not disclose where the owner or a driver has applied on their own."""
    made = await planted(world)
    report = json.loads(typed(world, "subject-report", "--customer", "boris-2", "--json").stdout)
    (anna,) = [person for person in report["persons"] if person["requests"][0]["roles"] == ["OWNER"]]
    assert [request["id"] for request in anna["requests"]] == [made.as_owner]
    alone = json.loads(typed(world, "subject-report", "--customer", "boris-2", "--person", anna["id"], "--json").stdout)
    assert alone["persons"] == [anna]


async def test_a_person_that_is_no_customer_is_found_by_name_and_day_of_birth(world: World) -> None:
    """A driver may ask as well; what identifies the person comes by standard input, and stands in no list of processes."""
    made = await planted(world)
    done = typed(world, "subject-report", "--json", entered="березкина\nАННА\n1988-11-02\n")
    (anna,) = json.loads(done.stdout)["persons"]
    assert [request["id"] for request in anna["requests"]] == sorted(made.all)
    assert no_values(done.stdout)
    wrong = typed(world, "subject-report", entered="Берёзкина\n")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("osago: subject-report: without --customer")


async def test_a_forgotten_customer_is_reported_by_the_records(world: World) -> None:
    """When, why and which kinds of data; the consent is gone as well."""
    made = await planted(world)
    assert typed(world, "forget", "--customer", "anna-1", "--by", "clerk").stdout == "forgotten 1\n"
    report = json.loads(typed(world, "subject-report", "--customer", "anna-1", "--json").stdout)
    (own,) = [
        request
        for person in report["persons"]
        for request in person["requests"]
        if request["ofCustomer"] and "POLICYHOLDER" in request["roles"]
    ]
    assert (own["id"], own["categories"], own["consent"]) == (made.as_policyholder, [], None)
    assert [(one["kind"], one["reason"]) for one in own["destroyed"]] == [
        ("request", "forgotten"),
        ("consent", "forgotten"),
    ]


async def test_an_exposure_counts_what_lay_there_at_the_time(world: World) -> None:
    """What was destroyed since counts for the time before, and not after."""
    await planted(world)
    today = datetime.now(MOSCOW).date()
    before, long_ago = today - timedelta(days=20), today - timedelta(days=60)
    cases = [
        ("exposure", "--from", str(begin), "--to", str(end), "--json")
        for begin, end in ((today, today), (before, before), (long_ago, long_ago))
    ]
    now, then, never = (json.loads(done.out) for done in typed_one_by_one(world, [(case, {}) for case in cases]))
    assert now["subjects"] == 3, "Anna, and the two of every application"
    assert now["applications"] == {"destroyed": 1, "k1": 3}
    assert (now["customers"], now["requests"]) == (4, {"core-app": 4})
    assert now["categories"]["NAME"] == 3
    assert (then["applications"], then["customers"]) == ({"destroyed": 1}, 1)
    assert (never["subjects"], never["customers"], never["categories"]) == (0, 0, {})


async def test_what_was_destroyed_is_exported_as_an_act_and_as_a_journal(world: World) -> None:
    """Both have all that order 179 asks for: operator, system, subjects, categories, reason, way, day, lines to sign."""
    made = await planted(world)
    typed(world, "forget", "--customer", "boris-2", "--reason", "withdrawn", "--by", "Иванова И. И.")
    today = str(datetime.now(MOSCOW).date())
    act, journal, records, none = (
        done.out
        for done in typed_one_by_one(
            world,
            [
                (("purges", "export", "--from", today, "--to", today), {}),
                (("purges", "export", "--format", "csv"), {}),
                (("purges", "export", "--format", "json"), {}),
                (("purges", "export", "--from", "2020-01-01", "--to", "2020-12-31"), {}),
            ],
        )
    )
    for said in (
        "АКТ ОБ УНИЧТОЖЕНИИ",
        f"оператор: {OPERATOR}",
        "информационная система: osago-aggregator",
        "срок хранения истёк (ч. 4 ст. 21",
        "отзыв согласия (ч. 5 ст. 21",
        "исполнитель: Иванова И. И.",
        "исполнитель: автоматически",
        "данные водительского удостоверения",
        "подпись лица",
        made.as_driver,
    ):
        assert said in act
    assert no_values(act)
    rows = list(csv.DictReader(io.StringIO(journal)))
    assert {row["запрос"] for row in rows} == {made.as_driver, made.as_owner}
    assert all(row["субъект (идентификатор)"] and row["категории"] and row["причина"] for row in rows)
    documents = [json.loads(line) for line in records.splitlines()]
    assert [(one["kind"], one["reason"]) for one in documents] == [
        ("application", "retention"),
        ("request", "consent-withdrawn"),
    ]
    assert "За период ничего не уничтожено." in none


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exposure", "--from", "soon", "--to", "2026-11-29"), "--from: expected a day"),
        (("exposure", "--from", "2026-11-29", "--to", "2026-11-01"), "--to: must be later than --from"),
        (("subject-report", "--customer", "x", "--by", "a\nb"), "--by: one line"),
        (("keys", "purge", "k1"), "k1: still in OSAGO_ENCRYPTION_KEYS"),
    ],
)
def test_what_is_typed_wrong_is_one_clear_line(world: World, arguments: tuple[str, ...], said: str) -> None:
    """Nothing is destroyed or reported then."""
    world.write_insurers("sever")
    (done,) = typed_one_by_one(world, [(arguments, {})])
    assert done.code == 2
    assert done.err.startswith(f"osago: {said}"), done.err
