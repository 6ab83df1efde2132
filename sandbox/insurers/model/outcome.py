"""What an application will get from an insurer, drawn once: an answer, after how long, and perhaps a fault before it.

It depends on the seed, the insurer and the application's content, on nothing else: the same application gets the
same again, at any time, under any key and after any other application.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import exp, log
from statistics import NormalDist
from typing import Final

from app.domain.application import Application
from app.domain.tariff.edition import Edition
from sandbox.insurers.model.catalogue import Faults, Profile
from sandbox.insurers.model.pricing import Price, price
from sandbox.insurers.script.behaviours import Behaviour, Garbage, Hang, Status, Step

_uniforms: Final = struct.Struct("<5Q").unpack


@dataclass(frozen=True, slots=True)
class WrongPlace:
    """What an applicant can mend: a path into the body that was sent, and a code."""

    path: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal: a code for programs and a sentence for people, and perhaps where to mend it."""

    code: str
    message: str
    problems: tuple[WrongPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class Fate:
    """The answer, the seconds until it is there, and the fault of the first call of one step on the way to it."""

    answer: Price | Refusal
    latency_s: float
    fault: Behaviour | None


_NOT_INSURED: Final = Refusal("CATEGORY_NOT_INSURED", "Такие транспортные средства мы не страхуем.")
_TARIFF_UNKNOWN: Final = Refusal("TARIFF_UNKNOWN", "Тариф для такого договора нам неизвестен.")


def unconfirmed(application: Application) -> Refusal:
    """The insurers' common system does not know a driver's licence, or the vehicle's document where anyone may drive."""
    of_driver, of_vehicle = ("drivers", "listed", "0", "license", "number"), ("vehicle", "document", "number")
    place = WrongPlace(of_vehicle if application.drivers is None else of_driver, "DATA_NOT_CONFIRMED")
    return Refusal("DATA_NOT_CONFIRMED", "Сведения не подтверждены в единой системе.", (place,))


def wanting_documents(_: Application) -> Refusal:
    """The insurer wants to see the vehicle's document."""
    place = WrongPlace(("vehicle", "document"), "DOCUMENTS_WANTED")
    return Refusal("DOCUMENTS_WANTED", "Пришлите копию документа на автомобиль.", (place,))


def insured_already(_: Application) -> Refusal:
    """One vehicle has one contract at a time."""
    place = WrongPlace(("startsOn",), "POLICY_EXISTS")
    return Refusal("POLICY_EXISTS", "На эти даты уже заключён договор.", (place,))


_REFUSALS: Final[Sequence[Callable[[Application], Refusal]]] = (unconfirmed, wanting_documents, insured_already)
"""The contract is a public one: neither age, nor claims, nor a region are grounds to refuse it."""

_FAULTS: Final[Sequence[tuple[Callable[[Faults], float], Callable[[Step], Behaviour]]]] = (
    (lambda shares: shares.unavailable, lambda step: Status(status=503, step=step)),
    (lambda shares: shares.error, lambda step: Status(status=500, step=step)),
    (lambda shares: shares.busy, lambda step: Status(status=429, retry_after=1, step=step)),
    (lambda shares: shares.hang, lambda step: Hang(step=step)),
    (lambda shares: shares.garbage, lambda step: Garbage(step=step)),
)


def fate_of(
    application: Application, content: bytes, profile: Profile, edition: Edition | None, *, seed: int, calm: bool
) -> Fate:
    """Calm has neither random faults nor random refusals; premiums and latencies stay the same."""
    of_latency, of_refusal, of_code, of_fault, of_step = _draw(content, profile.id, seed)
    insures = application.vehicle.category in profile.categories
    answer: Price | Refusal = _NOT_INSURED
    if insures:
        answer = price(application, profile.rate_position, edition) or _TARIFF_UNKNOWN
    if isinstance(answer, Price) and of_refusal < profile.refusals and not calm:
        answer = _refusal(application, of_code)
    return Fate(answer, _latency_s(profile, of_latency), None if calm else _fault(profile.faults, of_fault, of_step))


def _draw(content: bytes, insurer_id: str, seed: int) -> Sequence[float]:
    """Five independent numbers between 0 and 1, both exclusive."""
    digest = blake2b(f"{seed}\0{insurer_id}\0".encode() + content, digest_size=40).digest()
    return [((number >> 12) + 0.5) / 2**52 for number in _uniforms(digest)]


def _latency_s(profile: Profile, draw: float) -> float:
    return exp(NormalDist(log(profile.latency_median_s), profile.latency_spread).inv_cdf(draw))


def _refusal(application: Application, draw: float) -> Refusal:
    """On one of the grounds that the law knows."""
    return _REFUSALS[int(draw * len(_REFUSALS))](application)


def _fault(shares: Faults, draw: float, of_step: float) -> Behaviour | None:
    for share_of, fault in _FAULTS:
        share = share_of(shares)
        if draw < share:
            return fault("create" if of_step < 0.5 else "poll")  # noqa: PLR2004 - either is as likely
        draw -= share
    return None
