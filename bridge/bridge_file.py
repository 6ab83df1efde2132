"""`bridge.toml`: a table for each destination of `osago bridge`, and what all of them share."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from app.config.quantities import Duration
from app.domain.errors import WrongSetting
from bridge.cloud_event import DEFAULT_SOURCE

KINDS: Final = ("kafka", "activemq", "nats", "webhook")
SECRETS_MAX: Final = 4
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SHARED: Final = ("source",)
Network = Annotated[str, Field(max_length=50)]
Place = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DeliveryRetry(_Table):
    """Exponential backoff with jitter. `attempts` counts refusals of one event while others go through; then it is given up."""

    attempts: int = Field(default=12, ge=1, le=1000)
    first: Duration = Field(default="500ms")  # pyright: ignore[reportAssignmentType]  # parsed like any other
    most: Duration = Field(default="60s")  # pyright: ignore[reportAssignmentType]

    def after(self, failures: int) -> float:
        """Seconds to wait after so many failures before."""
        return min(self.most, self.first * 2 ** min(failures, 30))


class DestinationSettings(_Table):
    """The settings that every destination has."""

    name: str
    begin: Literal["oldest", "now"] = "oldest"
    """The start of a destination that has never been served: the oldest entry of the feed, or the next one."""
    in_flight: int = Field(default=32, ge=1, le=1000)
    """Events under way at once; of one request one at a time."""
    buffer: int = Field(default=2000, ge=1, le=100_000)
    """Events read and not delivered: with so many the feed is read no further."""
    timeout: Duration = Field(default="10s")  # pyright: ignore[reportAssignmentType]
    """The time limit of one event."""
    lease: Duration = Field(default="5s")  # pyright: ignore[reportAssignmentType]
    """A bridge that has been silent for so long is replaced by one that stands by."""
    retry: DeliveryRetry = DeliveryRetry()

    def secret(self, variable: str | None) -> str:
        """The value of an environment variable that the file names; empty where it names none.

        Raises:
            WrongSetting: it is not set.
        """
        if variable is None:
            return ""
        found = os.environ.get(variable, "")
        if not found:
            raise WrongSetting(f"{variable}: the destination {self.name} needs this variable")
        return found


class _Broker(DestinationSettings):
    username: str | None = None
    password_env: str | None = None
    """The environment variable that holds the password."""
    tls: bool = False
    ca_file: Path | None = None
    """The authorities that sign the broker's certificate, as PEM, in place of the system's."""

    @property
    def has_tls(self) -> bool:
        return self.tls or self.ca_file is not None

    def tls_context(self) -> SSLContext | None:
        """Checks the broker's certificate and its name; None without TLS.

        Raises:
            WrongSetting: `ca_file` holds no certificates.
        """
        if not self.has_tls:
            return None
        try:
            return create_default_context(cafile=self.ca_file)
        except OSError as error:  # an SSLError, too
            raise WrongSetting(f"{self.name}.ca_file: {self.ca_file}: no certificates as PEM ({error})") from None


class KafkaSettings(_Broker):
    """Apache Kafka, and what speaks its protocol."""

    kind: Literal["kafka"] = "kafka"
    servers: list[Place] = Field(min_length=1, max_length=32)
    """`host:port` of brokers to begin with."""
    topic: str = Field(default="osago.quote-events", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """With a username."""
    idempotence: bool = True
    """Off for brokers that have no idempotent producer."""


class ActivemqSettings(_Broker):
    """ActiveMQ, over STOMP."""

    kind: Literal["activemq"] = "activemq"
    servers: list[Place] = Field(min_length=1, max_length=32)
    """`host:port` of brokers, tried in turn."""
    queue: str = Field(default="/queue/osago.quote-events", pattern=r"^/(queue|topic)/[!-~]{1,200}$")


class NatsSettings(_Broker):
    """NATS JetStream."""

    kind: Literal["nats"] = "nats"
    servers: list[str] = Field(min_length=1, max_length=32)
    """`nats://host:port`, or `tls://…`."""
    subject: str = Field(default="osago.quote-events", pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")
    stream: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Made where it is not there; left out: a stream for the subject has to be there."""

    @property
    def has_tls(self) -> bool:
        return super().has_tls or any(server.startswith("tls://") for server in self.servers)


class WebhookSettings(DestinationSettings):
    """An address that is called with each event, signed as Standard Webhooks says."""

    kind: Literal["webhook"] = "webhook"
    in_flight: int = Field(default=8, ge=1, le=1000)
    url: str = Field(max_length=2000)
    secrets_env: str
    """The environment variable that holds the secrets, `whsec_…,whsec_…`: each signs, so that the receiver may change from one to the next."""
    allow_private: list[Network] = Field(default=[], max_length=32)
    """Networks such as `10.0.0.0/8` that may be called although they are not public; these alone without https."""

    @field_validator("allow_private")
    @classmethod
    def _networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError("networks, such as 10.0.0.0/8 or fd00::/8") from None
        return networks

    @model_validator(mode="after")
    def _a_url_to_call(self) -> "WebhookSettings":
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError:
            raise ValueError("url: no URL") from None
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError("url: expected https://host/path")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("url: without user, password and fragment")
        if parts.scheme == "http" and not self.allow_private:
            raise ValueError("url: expected https://; http:// only into the networks of allow_private")
        return self


AnyDestination: TypeAlias = KafkaSettings | ActivemqSettings | NatsSettings | WebhookSettings
_ANY: Final = TypeAdapter[AnyDestination](Annotated[AnyDestination, Field(discriminator="kind")])


class _Shared(_Table):
    source: str = Field(default=DEFAULT_SOURCE, pattern=r"^[!-~]{1,200}$")


def load_destination(path: Path, name: str) -> tuple[AnyDestination, str]:
    """The settings of one destination, and the `source` of its events. All tables of the file are checked.

    Raises:
        WrongSetting: the file is missing or wrong, or has no such destination; the text names the line and what to mend.
    """
    try:
        text = path.read_text(encoding="utf-8")
        read = tomllib.loads(text)
    except OSError as error:
        raise WrongSetting(f"{path}: {error.strerror}; OSAGO_BRIDGE_FILE names the file of the bridge") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongSetting(f"{path}: {error}") from None
    tables = {key: value for key, value in read.items() if key not in _SHARED}
    try:
        shared = _Shared.model_validate({key: read[key] for key in _SHARED if key in read})
    except ValidationError as error:
        raise _wrong(path, text, "", error) from None
    found = {one: _destination(path, text, one, table) for one, table in tables.items()}
    if name not in found:
        raise WrongSetting(f"--to {name}: {path} has no such destination; it has {', '.join(found) or 'none'}")
    return found[name], shared.source


def _destination(path: Path, text: str, name: str, table: Any) -> AnyDestination:
    if not _NAME.fullmatch(name) or not isinstance(table, Mapping):
        place = _place(text, "", name)
        raise WrongSetting(f"{path}{place}: expected tables such as [webhook], named by letters, digits and hyphens")
    known: dict[str, Any] = {"kind": name if name in KINDS else None, **table, "name": name}
    if known["kind"] not in KINDS:
        raise WrongSetting(f"{path}{_place(text, name, 'kind')}: kind is needed: {', '.join(KINDS)}")
    for key in ("ca_file",):
        if isinstance(known.get(key), str):
            known[key] = path.parent / known[key]
    try:
        return _ANY.validate_python(known)
    except ValidationError as error:
        raise _wrong(path, text, name, error) from None


def _wrong(path: Path, text: str, name: str, error: ValidationError) -> WrongSetting:
    first = error.errors(include_url=False, include_input=False)[0]
    keys = [str(key) for key in first["loc"] if key not in KINDS]
    why = first["msg"].removeprefix("Value error, ")
    if not keys and ": " in why:
        keys = [why.partition(": ")[0]]
        why = why.partition(": ")[2]
    return WrongSetting(f"{path}{_place(text, name, *keys)}: {why}")


def _place(text: str, table: str, *keys: str) -> str:
    """Line and key of what is wrong: `, line 7, webhook.url`."""
    lines = text.splitlines()
    named = ".".join(part for part in (table, *keys) if part)
    header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*[\].]") if table else re.compile(r"")
    begin = next((number for number, line in enumerate(lines) if header.match(line)), None)
    if begin is None:
        return f", {named}" if named else ""
    line = begin
    for part in keys:
        key = re.compile(rf"\s*\[?\s*({re.escape(table)}\.)?{re.escape(part)}\b")
        line = next((number for number in range(line, len(lines)) if key.match(lines[number])), line)
    return f", line {line + 1}, {named}"
