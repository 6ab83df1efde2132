"""Days of Moscow's calendar: insurance days begin and end by it, and editions of the tariff change with them."""

from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

MOSCOW: Final = ZoneInfo("Europe/Moscow")


@lru_cache(maxsize=4)
def _moscow_day(hours: int) -> date:
    return datetime.fromtimestamp(hours * 3600, MOSCOW).date()


def moscow_day(now: datetime) -> date:
    """The date in Moscow, which is whole hours away from UTC: it changes with no hour but the first of a day."""
    return _moscow_day(int(now.timestamp()) // 3600)
