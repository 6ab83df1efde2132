"""The Russian terms of reports and acts, which go to subjects and to the authority."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from app.domain.intake.moscow_calendar import MOSCOW
from app.domain.subjects.data_subject import DataCategory, SubjectRole
from app.domain.subjects.purge import PurgedKind, PurgeMethod, PurgeReason

CATEGORIES: Final[Mapping[DataCategory, str]] = MappingProxyType(
    {
        DataCategory.NAME: "фамилия, имя, отчество",
        DataCategory.BIRTH_DATE: "дата рождения",
        DataCategory.SEX: "пол",
        DataCategory.CITIZENSHIP: "гражданство",
        DataCategory.IDENTITY_DOCUMENT: "данные документа, удостоверяющего личность",
        DataCategory.ADDRESS: "адрес регистрации",
        DataCategory.CONTACTS: "телефон, электронная почта",
        DataCategory.DRIVING_LICENSE: "данные водительского удостоверения, стаж",
        DataCategory.PREVIOUS_LICENSE: "прежнее водительское удостоверение, прежняя фамилия",
        DataCategory.VEHICLE: "сведения о транспортном средстве и его документах",
        DataCategory.PREVIOUS_POLICY: "номер предыдущего полиса",
        DataCategory.PURCHASE_LINK: "ссылки на оформление полиса",
        DataCategory.CUSTOMER_ID: "идентификатор клиента",
        DataCategory.OFFERS: "предложения страховщиков",
        DataCategory.CONSENT: "согласие на обработку персональных данных",
    }
)
ROLES: Final[Mapping[SubjectRole, str]] = MappingProxyType(
    {SubjectRole.POLICYHOLDER: "страхователь", SubjectRole.OWNER: "собственник", SubjectRole.DRIVER: "водитель"}
)
REASONS: Final[Mapping[PurgeReason, str]] = MappingProxyType(
    {
        PurgeReason.RETENTION: "цель обработки достигнута, срок хранения истёк (ч. 4 ст. 21 152-ФЗ)",
        PurgeReason.FORGOTTEN: "требование субъекта (ч. 3 ст. 21 152-ФЗ)",
        PurgeReason.CONSENT_WITHDRAWN: "отзыв согласия (ч. 5 ст. 21 152-ФЗ)",
        PurgeReason.KEY_DESTROYED: "уничтожение ключа шифрования",
    }
)
METHODS: Final[Mapping[PurgeMethod, str]] = MappingProxyType(
    {
        PurgeMethod.ROWS_DELETED: "удаление записей из базы данных",
        PurgeMethod.KEY_DESTROYED: "уничтожение ключа шифрования и удаление нечитаемых записей",
    }
)
KINDS: Final[Mapping[PurgedKind, str]] = MappingProxyType(
    {PurgedKind.APPLICATION: "заявление", PurgedKind.REQUEST: "запрос и предложения", PurgedKind.CONSENT: "согласие"}
)
NO_OPERATOR: Final = "не указан: задайте OSAGO_OPERATOR (наименование и адрес)"


def moment(at: datetime) -> str:
    """Moscow's time."""
    return f"{at.astimezone(MOSCOW):%d.%m.%Y %H:%M:%S} МСК"


def day(at: datetime) -> str:
    return f"{at.astimezone(MOSCOW):%d.%m.%Y}"


def categories(of: Iterable[DataCategory]) -> str:
    return "; ".join(CATEGORIES[one] for one in of)


def roles(of: Iterable[SubjectRole]) -> str:
    return ", ".join(ROLES[one] for one in of)
