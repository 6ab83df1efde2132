"""The tariff in force since 9 December 2025 (Указание Банка России 7204-У), as far as it is known here.

[S] seen in a public source, [M] from memory and unverified, [G] our own guess. Private persons only. Category A has
a table of ages of its own, tractors have figures of their own: neither is known, so neither can be priced.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from app.domain.tariff.formula import Corridor, RateClass, Row, Tariff


def _below(most: int) -> Corridor:
    """[G] Only the ceiling is known; half of it is inside: floors that are known stand at 4 to 16 % of their ceilings."""
    return Decimal(most) / 2, Decimal(most)


def _row(age: int, *cells: str) -> Row:
    return age, tuple(Decimal(cell) for cell in cells)


# Roubles, with a row of its own for taxis [S].
_CORRIDORS: Final[Mapping[RateClass, Corridor]] = {
    RateClass.CAR: (Decimal(1399), Decimal(8665)),
    RateClass.TAXI: (Decimal(1267), Decimal(18119)),
    RateClass.LIGHT_LORRY: _below(13709),
    RateClass.HEAVY_LORRY: _below(17201),
    RateClass.SMALL_BUS: _below(7846),
    RateClass.LARGE_BUS: _below(9805),
    RateClass.TROLLEYBUS: _below(6411),
    RateClass.TRAM: _below(3999),
}

# КТ, the edition of 2022–2024 [S]. The prefixes are those of КЛАДР: region (2), district (3), city (3).
# Approximate: a settlement that belongs to a city has the city's factor, and every district and town that
# the source does not name has its region's, or else 1.
_TERRITORIES: Final[Mapping[str, Decimal]] = {
    prefix: Decimal(factor)
    for factor, prefixes in {
        # Челябинск, Мурманск
        "1.88": ("74000001", "51000001"),
        # Москва, Казань, Пермь, Тюмень, Сургут
        "1.80": ("77", "16000001", "59000001", "72000001", "86000010"),
        # Санкт-Петербург, Екатеринбург, Краснодар, Новороссийск, Нижний Новгород, Ростов-на-Дону, Уфа, Красноярск
        "1.64": ("78", "66000001", "23000001", "23000006", "52000001", "61000001", "02000001", "24000001"),
        # Новосибирск
        "1.63": ("54000001",),
        # Московская область, Хабаровск, Иркутск
        "1.56": ("50", "27000001", "38000003"),
        # Самара, Омск, Саратов
        "1.48": ("63000001", "55000001", "64000001"),
        # Воронеж, Тула, Ярославль
        "1.40": ("36000001", "71000001", "76000001"),
        # Владивосток
        "1.36": ("25000001",),
        # Ленинградская область, Волгоград
        "1.24": ("47", "34000001"),
        # Сочи, Якутск
        "1.16": ("23000007", "14000001"),
        # Калининград
        "1.08": ("39000001",),
        # Севастополь, Чечня
        "0.76": ("92", "20"),
        # Крым without Севастополь
        "0.68": ("91",),
    }.items()
    for prefix in prefixes
}

# КБМ, since 1 April 2022 [S].
_BONUS_MALUS: Final[Mapping[str, Decimal]] = {
    "М": Decimal("3.92"),
    "0": Decimal("2.94"),
    "1": Decimal("2.25"),
    "2": Decimal("1.76"),
    "3": Decimal("1.17"),
    "4": Decimal(1),
    "5": Decimal("0.91"),
    "6": Decimal("0.83"),
    "7": Decimal("0.78"),
    "8": Decimal("0.74"),
    "9": Decimal("0.68"),
    "10": Decimal("0.63"),
    "11": Decimal("0.57"),
    "12": Decimal("0.52"),
    "13": Decimal("0.46"),
}

# КВС, all categories but A, since 17 April 2025 [S].
_EXPERIENCE: Final = (0, 1, 2, 3, 5, 7, 10, 15)
_AGE_EXPERIENCE: Final = (
    _row(16, "2.27", "1.92", "1.84", "1.65", "1.62"),
    _row(22, "1.88", "1.72", "1.71", "1.13", "1.10", "1.09"),
    _row(25, "1.72", "1.60", "1.54", "1.09", "1.08", "1.07", "1.02"),
    _row(30, "1.56", "1.50", "1.48", "1.05", "1.04", "1.01", "0.97", "0.95"),
    _row(35, "1.54", "1.47", "1.46", "1.00", "0.97", "0.95", "0.94", "0.93"),
    _row(40, "1.50", "1.44", "1.43", "0.96", "0.95", "0.94", "0.93", "0.91"),
    _row(50, "1.46", "1.40", "1.39", "0.93", "0.92", "0.91", "0.90", "0.86"),
    _row(60, "1.43", "1.36", "1.35", "0.91", "0.90", "0.89", "0.88", "0.83"),
)

# КМ, category B only [S].
_POWER: Final = (
    (Decimal(50), Decimal("0.6")),
    (Decimal(70), Decimal("1.0")),
    (Decimal(100), Decimal("1.1")),
    (Decimal(120), Decimal("1.2")),
    (Decimal(150), Decimal("1.4")),
    (None, Decimal("1.6")),
)

# КС, by months of use [S].
_SEASON: Final[Mapping[int, Decimal]] = {
    3: Decimal("0.5"),
    4: Decimal("0.6"),
    5: Decimal("0.65"),
    6: Decimal("0.7"),
    7: Decimal("0.8"),
    8: Decimal("0.9"),
    9: Decimal("0.95"),
    10: Decimal(1),
    11: Decimal(1),
    12: Decimal(1),
}

TARIFF_2025: Final = Tariff(
    version="2025-12-09",
    valid_from=date(2025, 12, 9),
    capped=True,  # Law 40-ФЗ, article 9 [M]
    corridors=MappingProxyType(_CORRIDORS),
    territories=MappingProxyType(_TERRITORIES),
    territory_elsewhere=Decimal(1),
    bonus_malus=MappingProxyType(_BONUS_MALUS),
    experience_columns=_EXPERIENCE,
    age_experience=_AGE_EXPERIENCE,
    power=_POWER,
    season=MappingProxyType(_SEASON),
    unlimited_drivers=Decimal("2.32"),  # КО of private persons [S]
    unlimited_bonus_malus=Decimal("1.17"),  # [S]
)
