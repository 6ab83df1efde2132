"""Why there is no offer: our codes, our sentences in Russian, and what the customer can mend."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from app.domain.offers.offer_bounds import plain_code
from app.domain.offers.refusals import MendableProblem, refusal_problems


class ReasonCode(StrEnum):
    """Why there is no offer; stable, for programs."""

    INSURER_DECLINED = "INSURER_DECLINED"
    DATA_NOT_CONFIRMED = "DATA_NOT_CONFIRMED"
    DOCUMENTS_WANTED = "DOCUMENTS_WANTED"
    POLICY_EXISTS = "POLICY_EXISTS"
    INSURER_PAUSED = "INSURER_PAUSED"
    INSURER_PROTOCOL = "INSURER_PROTOCOL"
    INSURER_CREDENTIALS = "INSURER_CREDENTIALS"
    INSURER_REJECTED = "INSURER_REJECTED"
    INSURER_UNREACHABLE = "INSURER_UNREACHABLE"
    INSURER_NOT_SUITED = "INSURER_NOT_SUITED"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    NO_ANSWER_IN_TIME = "NO_ANSWER_IN_TIME"
    CANCELLED = "CANCELLED"
    INTERNAL = "INTERNAL"


_MESSAGES: Final = MappingProxyType(
    {
        ReasonCode.INSURER_DECLINED: "Страховая компания отказала в расчёте.",
        ReasonCode.DATA_NOT_CONFIRMED: "Страховая компания не смогла подтвердить данные заявления. Проверьте их и спросите ещё раз.",
        ReasonCode.DOCUMENTS_WANTED: "Страховая компания просит документы: без них она не рассчитает полис.",
        ReasonCode.POLICY_EXISTS: "На эти даты уже есть действующий полис ОСАГО этого автомобиля.",
        ReasonCode.INSURER_PAUSED: "Расчёты этой страховой компании временно приостановлены.",
        ReasonCode.INSURER_PROTOCOL: "Страховая компания ответила непонятно: её предложение прочитать не удалось.",
        ReasonCode.INSURER_CREDENTIALS: "Страховая компания не приняла наш ключ доступа. Мы уже разбираемся.",
        ReasonCode.INSURER_REJECTED: "Страховая компания не приняла запрос. Мы уже разбираемся.",
        ReasonCode.INSURER_UNREACHABLE: "Сервис страховой компании не отвечает.",
        ReasonCode.INSURER_NOT_SUITED: "Страховая компания не страхует такие транспортные средства.",
        ReasonCode.CIRCUIT_OPEN: "Сервис страховой компании временно недоступен.",
        ReasonCode.NO_ANSWER_IN_TIME: "Страховая компания не успела ответить.",
        ReasonCode.CANCELLED: "Запрос отменён.",
        ReasonCode.INTERNAL: "На нашей стороне произошла ошибка. Мы уже разбираемся.",
    }
)


class Reason(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why there is no offer: our code and sentence, the insurer's own code where it gave a plain one, and what can be mended."""

    code: ReasonCode
    insurer_code: str | None = None
    problems: tuple[MendableProblem, ...] = ()

    def __post_init__(self) -> None:
        if self.problems:
            msgspec.structs.force_setattr(self, "problems", refusal_problems(self.problems))
        if self.insurer_code is not None and plain_code(self.insurer_code) is None:
            msgspec.structs.force_setattr(self, "insurer_code", None)

    @property
    def message(self) -> str:
        """Our own sentence in Russian: an insurer's free text may echo personal data and is never published."""
        if self.code is ReasonCode.INSURER_NOT_SUITED and self.problems:
            return self.problems[0].message
        return _MESSAGES[self.code]
