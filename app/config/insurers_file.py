"""`insurers.toml`: the insurers, their adapters and their limits."""

import os
import re
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.config.quantities import Duration, OptionalRate
from app.domain.application import VehicleCategory
from app.domain.errors import WrongSetting
from app.domain.insurer import INSURER_ID, Insurer
from app.domain.offers.links import host_in_ascii

PURCHASE_HOSTS_MAX: Final = 32
DAY_S: Final = 86_400
STARTS_AHEAD_DAYS_MAX: Final = 60
"""No policy starts later than so many days from today."""
INSURERS_MAX: Final = 256
"""A cursor holds a bit for each insurer of a request."""


class WrongInsurer(WrongSetting):
    """A key of one insurer's is wrong, as a process finds when it uses it."""

    def __init__(self, insurer_id: str, key: str, why: str) -> None:
        super().__init__(f"insurer {insurer_id}, {key}: {why}")
        self.insurer_id = insurer_id
        self.key = key
        self.why = why


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class PollInterval(_Table):
    """The first wait, and how the next ones grow up to the longest. `"1s"` alone stays the same for ever."""

    first: Duration = Field(default="1s")  # pyright: ignore[reportAssignmentType]  # parsed like any other
    factor: float = Field(default=1.5, ge=1, le=10)
    most: Duration = Field(default="8s")  # pyright: ignore[reportAssignmentType]

    @classmethod
    def from_text(cls, value: object) -> object:
        return {"first": value, "factor": 1, "most": value} if isinstance(value, str) else value

    @classmethod
    def every(cls, text: str) -> Self:
        """A constant wait, as it is written in the file."""
        return cls.model_validate(cls.from_text(text))

    def after(self, polls: int) -> float:
        """Seconds to wait before the poll that follows `polls` others."""
        return min(self.most, self.first * self.factor**polls)


class Breaker(_Table):
    """The circuit opens when `failure_rate` of at least `min_calls` calls within `window` failed."""

    failure_rate: float = Field(default=0.5, gt=0, le=1)
    window: Duration = Field(default="10s")  # pyright: ignore[reportAssignmentType]
    min_calls: int = Field(default=20, ge=1)
    reset_after: Duration = Field(default="10s")  # pyright: ignore[reportAssignmentType]
    most: Duration = Field(default="60s")  # pyright: ignore[reportAssignmentType]


class Retry(_Table):
    """Exponential backoff with full jitter: the n-th wait is random up to `first × 2ⁿ`, at most `most`."""

    attempts: int = Field(default=3, ge=1, le=20)
    first: Duration = Field(default="200ms")  # pyright: ignore[reportAssignmentType]
    most: Duration = Field(default="2s")  # pyright: ignore[reportAssignmentType]


class Tls(_Table):
    """Files as PEM; relative paths begin where the file of insurers lies."""

    ca_file: Path | None = None
    """The authorities that sign the insurer's certificate, in place of the system's."""
    cert_file: Path | None = None
    """Our certificate, for insurers that authenticate their callers (mTLS)."""
    key_file: Path | None = None
    """Its key, if it is not in the same file."""
    key_password_env: str | None = None
    """The environment variable that holds the key's password."""

    @field_validator("ca_file", "cert_file", "key_file")
    @classmethod
    def _beside_the_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        context: Mapping[str, Path] = info.context or {}
        return context["folder"] / path if context and path else path

    @model_validator(mode="after")
    def _a_key_has_its_certificate(self) -> Self:
        if (self.key_file or self.key_password_env) and not self.cert_file:
            raise ValueError("a key needs its certificate: cert_file")
        return self


class InsurerSettings(_Table):
    """One `[[insurer]]` of the file."""

    id: str = Field(pattern=f"^{INSURER_ID.pattern}$")
    name: str = Field(min_length=1, max_length=100)
    adapter: str = Field(min_length=1)
    base_url: HttpUrl
    token_env: str | None = None
    """The environment variable that holds this insurer's token."""
    tls: Tls = Tls()
    proxy: HttpUrl | None = None
    """The HTTP proxy that this insurer is called through."""
    proxy_auth_env: str | None = None
    """The environment variable that holds `user:password` for it."""
    rate_limit: OptionalRate = Field(default="off")  # pyright: ignore[reportAssignmentType]
    """Applications created, over all workers together."""
    poll_rate_limit: OptionalRate = Field(default="off")  # pyright: ignore[reportAssignmentType]
    max_in_flight: int = Field(default=2500, ge=1, le=100_000)
    """Jobs of this insurer at once, per worker."""
    request_timeout: Duration = Field(default="5s")  # pyright: ignore[reportAssignmentType]
    """The limit of one HTTP call, from its beginning to the last byte of its answer."""
    connect_timeout: Duration = Field(default="2s")  # pyright: ignore[reportAssignmentType]
    """Looking up the name; and, apart from that, connecting, TLS included."""
    poll_interval: Annotated[PollInterval, BeforeValidator(PollInterval.from_text)] = PollInterval()
    breaker: Breaker = Breaker()
    retry: Retry = Retry()
    categories: list[VehicleCategory] | None = Field(default=None, min_length=1)
    """The vehicles that it insures; it gets no jobs for others. None: all that its API takes."""
    starts_ahead: Duration = Field(default="1d")  # pyright: ignore[reportAssignmentType]
    """The least time between today and the start of a policy, in whole days; it gets no jobs for an earlier start."""
    trace_context: bool = False
    """Whether its calls carry our `traceparent`, where their request is traced."""
    purchase_hosts: list[str] = Field(default=[], max_length=PURCHASE_HOSTS_MAX)
    """Hosts that links of its offers may lead to, hosts below these included. None: any public host."""
    options: dict[str, str] = Field(default={})
    """For this adapter alone."""

    @field_validator("base_url")
    @classmethod
    def _no_password_in_the_address(cls, url: HttpUrl) -> HttpUrl:
        if url.username or url.password:
            raise ValueError(
                "a token belongs into the variable that token_env names, other credentials into one of an option"
            )
        return url

    @field_validator("proxy")
    @classmethod
    def _no_password_in_the_file(cls, proxy: HttpUrl | None) -> HttpUrl | None:
        if proxy is not None and (proxy.username or proxy.password):
            raise ValueError("user and password of the proxy belong into the variable that proxy_auth_env names")
        return proxy

    @field_validator("starts_ahead")
    @classmethod
    def _whole_days(cls, seconds: float) -> float:
        if seconds % DAY_S or not 1 <= seconds / DAY_S <= STARTS_AHEAD_DAYS_MAX:
            raise ValueError(f"whole days, 1d to {STARTS_AHEAD_DAYS_MAX}d")
        return seconds

    @field_validator("purchase_hosts")
    @classmethod
    def _hosts_in_ascii(cls, hosts: list[str]) -> list[str]:
        named = [host_in_ascii(host) for host in hosts]
        if None in named:
            raise ValueError("hosts alone, such as buy.example: without https://, port and path")
        return [host for host in named if host]

    @field_validator("tls")
    @classmethod
    def _tls_needs_https(cls, tls: Tls, info: ValidationInfo) -> Tls:
        base_url: HttpUrl | None = info.data.get("base_url")
        if base_url is not None and base_url.scheme != "https" and tls != Tls():
            raise ValueError("base_url is not https")
        return tls

    def secret(self, name: str) -> str:
        """As `secret_option` finds it among the options."""
        return secret_option(self.options, name)

    @property
    def starts_ahead_days(self) -> int:
        """The least number of days between the application and the start."""
        return int(self.starts_ahead / DAY_S)

    @property
    def insurer(self) -> Insurer:
        return Insurer(self.id, self.name)


class _File(_Table):
    insurer: list[InsurerSettings] = Field(min_length=1, max_length=INSURERS_MAX)

    @model_validator(mode="after")
    def _each_id_once(self) -> Self:
        ids = [insurer.id for insurer in self.insurer]
        for place, id_ in enumerate(ids):
            if id_ in ids[:place]:
                raise PydanticCustomError("repeated", "two insurers have the id {id}", {"id": id_, "place": place})
        return self


def secret_option(options: Mapping[str, str], name: str) -> str:
    """The value of the environment variable that the option `<name>_env` names; the option itself, if it is no secret.

    Raises:
        WrongSetting: neither option is there, or the variable is not set.
    """
    variable = options.get(f"{name}_env")
    if variable is None:
        if name not in options:
            raise WrongSetting(f"options.{name}: this adapter needs it")
        return options[name]
    found = os.environ.get(variable)
    if not found:
        raise WrongSetting(f"{variable}: this adapter needs this variable (options.{name}_env)")
    return found


def load_insurers(path: Path) -> Mapping[str, InsurerSettings]:
    """The insurers by id, in the file's order; at least one.

    Raises:
        WrongSetting: the file is missing or wrong; the text names the line and what to mend.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        file = _File.model_validate(tomllib.loads(text), context={"folder": path.parent})
    except OSError as error:
        raise WrongSetting(f"{path}: {error.strerror}; OSAGO_INSURERS_FILE names the file of insurers") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongSetting(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        repeated = first.get("ctx", {}).get("place")
        place = _place(text, first["loc"] if repeated is None else ("insurer", repeated, "id"))
        raise WrongSetting(f"{path}{place}: {first['msg'].removeprefix('Value error, ')}") from None
    return {insurer.id: insurer for insurer in file.insurer}


@contextmanager
def naming_the_line(path: Path) -> Generator[None, None, None]:
    """Reports a fault of an insurer that is found in the block, with its line in the file.

    Raises:
        WrongSetting: in place of a `WrongInsurer`.
    """
    try:
        yield
    except WrongInsurer as error:
        raise WrongSetting(f"{path}{line_of(path, error.insurer_id, error.key)}: {error.why}") from error


def line_of(path: Path, insurer_id: str, key: str) -> str:
    """The place of an insurer's key in the file, or of the insurer where the key is missing: `, line 7, token_env`."""
    text = path.read_text(encoding="utf-8")
    ids = [table.get("id") for table in tomllib.loads(text)["insurer"]]
    return _place(text, ("insurer", ids.index(insurer_id), *key.split(".")))


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
            stands = re.compile(rf"\s*(\[insurer\.)?{re.escape(key)}\b")
            found = (n for n in range(tables[index], end) if key and stands.match(lines[n]))
            return f", line {next(found, tables[index]) + 1}, {'.'.join(map(str, keys)) or 'insurer'}"
        case ():
            return ""
        case _:
            return ": no [[insurer]] is configured" if location == ("insurer",) else f": {location[0]}"
