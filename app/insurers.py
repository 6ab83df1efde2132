"""`insurers.toml`: who is asked, through which adapter, and how gently."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, ValidationError, model_validator

from app.domain.application import VehicleCategory
from app.domain.errors import WrongSetting
from app.domain.insurer import INSURER_ID, Insurer
from app.units import Limit, Seconds

INSURERS_MOST: Final = 256
"""A cursor holds a bit for each insurer of a request."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class PollInterval(_Table):
    """The first wait, and how the next ones grow up to the longest. `"1s"` alone stays the same for ever."""

    first: Seconds = Field(default="1s")  # pyright: ignore[reportAssignmentType]  # parsed like any other
    factor: float = Field(default=1.5, ge=1, le=10)
    most: Seconds = Field(default="8s")  # pyright: ignore[reportAssignmentType]

    @classmethod
    def from_text(cls, value: object) -> object:
        return {"first": value, "factor": 1, "most": value} if isinstance(value, str) else value

    @classmethod
    def every(cls, text: str) -> Self:
        """The same wait for ever, as somebody writes it."""
        return cls.model_validate(cls.from_text(text))

    def after(self, polls: int) -> float:
        """Seconds to wait before the poll that follows `polls` others."""
        return min(self.most, self.first * self.factor**polls)


class Breaker(_Table):
    """The circuit opens when `failure_rate` of at least `min_calls` calls within `window` failed."""

    failure_rate: float = Field(default=0.5, gt=0, le=1)
    window: Seconds = Field(default="10s")  # pyright: ignore[reportAssignmentType]
    min_calls: int = Field(default=20, ge=1)
    reset_after: Seconds = Field(default="10s")  # pyright: ignore[reportAssignmentType]
    most: Seconds = Field(default="60s")  # pyright: ignore[reportAssignmentType]


class Retry(_Table):
    """Exponential backoff with full jitter: the n-th wait is random up to `first × 2ⁿ`, at most `most`."""

    attempts: int = Field(default=3, ge=1, le=20)
    first: Seconds = Field(default="200ms")  # pyright: ignore[reportAssignmentType]
    most: Seconds = Field(default="2s")  # pyright: ignore[reportAssignmentType]


class InsurerSettings(_Table):
    """One `[[insurer]]` of the file."""

    id: str = Field(pattern=f"^{INSURER_ID.pattern}$")
    name: str = Field(min_length=1, max_length=100)
    adapter: str = Field(min_length=1)
    base_url: HttpUrl
    token_env: str | None = None
    """The environment variable that holds this insurer's token."""
    rate_limit: Limit = Field(default="off")  # pyright: ignore[reportAssignmentType]
    """Applications created, over all workers together."""
    poll_rate_limit: Limit = Field(default="off")  # pyright: ignore[reportAssignmentType]
    max_in_flight: int = Field(default=2500, ge=1, le=100_000)
    """Jobs of this insurer at once, per worker."""
    request_timeout: Seconds = Field(default="5s")  # pyright: ignore[reportAssignmentType]
    poll_interval: Annotated[PollInterval, BeforeValidator(PollInterval.from_text)] = PollInterval()
    breaker: Breaker = Breaker()
    retry: Retry = Retry()
    categories: list[VehicleCategory] | None = Field(default=None, min_length=1)
    """The vehicles that it insures: it is not asked about others. None: whatever its API takes."""
    options: dict[str, str] = Field(default={})
    """For this adapter alone."""

    @property
    def insurer(self) -> Insurer:
        return Insurer(self.id, self.name)


class _File(_Table):
    insurer: list[InsurerSettings] = Field(min_length=1, max_length=INSURERS_MOST)

    @model_validator(mode="after")
    def _each_id_once(self) -> Self:
        ids = [insurer.id for insurer in self.insurer]
        if repeated := next((id_ for id_ in ids if ids.count(id_) > 1), None):
            raise ValueError(f"two insurers have the id {repeated}")
        return self


def load_insurers(path: Path) -> Mapping[str, InsurerSettings]:
    """The insurers by id, in the file's order; at least one.

    Raises:
        WrongSetting: the file is missing or wrong; the text names the line and what to mend.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        file = _File.model_validate(tomllib.loads(text))
    except OSError as error:
        raise WrongSetting(f"{path}: {error.strerror}; OSAGO_INSURERS_FILE names the file of insurers") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongSetting(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = _place(text, first["loc"])
        raise WrongSetting(f"{path}{place}: {first['msg'].removeprefix('Value error, ')}") from None
    return {insurer.id: insurer for insurer in file.insurer}


def _place(text: str, location: tuple[int | str, ...]) -> str:
    """Line and key of what a validation error points at."""
    match location:
        case ("insurer", int(index), *keys):
            lines = text.splitlines()
            tables = [number for number, line in enumerate(lines) if re.match(r"\s*\[\[\s*insurer\s*\]\]", line)]
            if index >= len(tables):
                return f": insurer {index + 1}"
            end = tables[index + 1] if index + 1 < len(tables) else len(lines)
            key = str(keys[0]) if keys else ""
            found = (n for n in range(tables[index], end) if key and re.match(rf"\s*{re.escape(key)}\b", lines[n]))
            return f", line {next(found, tables[index]) + 1}, {'.'.join(map(str, keys)) or 'insurer'}"
        case ():
            return ""
        case _:
            return ": no [[insurer]] is configured" if location == ("insurer",) else f": {location[0]}"
