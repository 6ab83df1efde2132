"""Settings from the environment (`OSAGO_…`) or `.env`. A wrong setting is reported in one line."""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.config.quantities import Duration, OptionalDuration, OptionalRate, Share
from app.domain.errors import WrongSetting

AUTH_SECRET_BYTES_MIN: Final = 32


def _page(value: object) -> object:
    """`true` and `false`, as this was written before there was `admin`."""
    return (
        {True: "on", "true": "on", False: "off", "false": "off"}.get(value, value)
        if isinstance(value, bool | str)
        else value
    )


_FORMS: Final = {
    "database_url": "expected postgresql://user@host:5432/database",
    "public_url": "expected http:// or https://, a host, and no query",
    "log_format": "expected console or json",
    "log_level": "expected debug, info, warning or error",
    "introspection": "expected on, admin or off",
    "graphiql": "expected on, admin or off",
    "operator_console": "expected on or off",
    "jwks_tenant_prefix": "expected 1 to 64 printable characters of ASCII without a space, or off",
    "jwks_scopes": "expected scopes, separated by one space",
}
"""The expected form of a setting, for its error message."""


def _places(value: object) -> object:
    """Several are separated by commas."""
    if isinstance(value, str | Path):
        return [place.strip() for place in str(value).split(",") if place.strip()]
    return value


Places = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_places)]
Page = Annotated[str, BeforeValidator(_page), Field(pattern="^(on|admin|off)$")]


class Settings(BaseSettings):
    """Every setting with its default. Durations are seconds, written with a unit (`60s`)."""

    model_config = SettingsConfigDict(
        env_prefix="OSAGO_", env_file=".env", env_ignore_empty=True, extra="ignore", validate_default=True, frozen=True
    )

    database_url: str = Field(default="postgresql://osago@127.0.0.1:5432/osago", pattern="^postgres(ql)?://")
    """As libpq writes it, sockets included (`postgresql:///osago?host=/run/postgresql`)."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """Also `rediss://…`, `unix://…`, `redis+sentinel://h1,h2,h3/name/0`, `redis+cluster://h1,h2,h3`."""
    insurers_file: Path = Path("insurers.toml")
    bridge_file: Path = Path("bridge.toml")
    """The destinations of `osago bridge`; no other process reads it."""
    tariff_folder: Path | None = None
    """Holds further editions of the tariff, each a TOML file as those in `app/domain/tariff/data`."""
    public_url: str = Field(default="http://127.0.0.1:8000", pattern="^https?://[^/?#]+(/[^?#]*)?$")
    """The address at which insurers that call back reach the API."""
    auth_secret: SecretStr = SecretStr("")
    """Signs service tokens and watch tokens."""
    auth_keys: SecretStr = SecretStr("")
    """`id:secret,…`: the first signs, all are checked with; the secret above is the key without an id."""
    jwks: str = ""
    """A file or an https URL with the public keys of an identity provider; its service tokens are accepted too."""
    jwks_issuer: str = ""
    """Required with `jwks`: the `iss` of the provider's tokens; others do not hold."""
    jwks_tenant_prefix: str = Field(default="idp:", pattern="^[!-~]{1,64}$")
    """Before the `sub` of the provider's tokens; `off`: they share the names of tokens that OSAGO_AUTH_SECRET signs."""
    jwks_scopes: str = Field(default="quotes:read quotes:write", pattern="^[!-~]+( [!-~]+)*$")
    """The scopes that the provider's tokens may give; its other scopes are ignored."""
    encryption_keys: SecretStr = SecretStr("")
    """`id:base64,…` of 32 bytes each: the first encrypts, all decrypt."""
    quote_deadline: Duration = Field(default="60s")  # pyright: ignore[reportAssignmentType]  # parsed like any other
    end_margin: Duration = Field(default="1s")  # pyright: ignore[reportAssignmentType]
    """Asking stops so long before the deadline."""
    watch_token_ttl: Duration = Field(default="30min")  # pyright: ignore[reportAssignmentType]
    lease: Duration = Field(default="3s")  # pyright: ignore[reportAssignmentType]
    """The jobs of a worker that has not been heard of for so long are taken over."""
    shards: int = Field(default=1, ge=1, le=64)
    max_deliveries: int = Field(default=5, ge=1, le=100)
    feed_length: int = Field(default=1_000_000, ge=0, le=100_000_000)
    """Entries kept in each shard's feed for other services; 0: no feed."""
    admission_age: OptionalDuration = Field(default="20s")  # pyright: ignore[reportAssignmentType]
    """Requests are refused while jobs have waited longer to be read; `off`: never."""
    retention: Duration = Field(default="30d")  # pyright: ignore[reportAssignmentType]
    """Applications are purged so long after they were accepted."""
    offer_retention: Duration = Field(default="400d")  # pyright: ignore[reportAssignmentType]
    """Ended requests, quotes and consents, so long after the request was accepted."""
    operator: str = Field(default="", max_length=500)
    """Name and address of the operator of personal data, for records of destruction and reports."""
    system_name: str = Field(default="osago-aggregator", min_length=1, max_length=200)
    """The operator's name of this information system, for the same."""
    audit_retention: Duration = Field(default="1095d")  # pyright: ignore[reportAssignmentType]
    """The audit of what operators did is kept for so long."""
    require_consent: bool = True
    """Whether an application without `consent` is a problem."""
    rate_limit: OptionalRate = Field(default="off")  # pyright: ignore[reportAssignmentType]
    customer_rate_limit: OptionalRate = Field(default="off")  # pyright: ignore[reportAssignmentType]
    database_connections: int = Field(default=8, ge=2, le=100)
    """Per process; group commits need few."""
    caller_traces: OptionalRate = Field(default="20/s")  # pyright: ignore[reportAssignmentType]
    """Sampled traces of callers that a process follows beyond the sampler's own share; `off`: all of them."""
    log_format: str = Field(default="console", pattern="^(console|json)$")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    origins: str = ""
    """Pages of which other origins may call, `*`: any. Sets CORS headers too."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Proxies: their `X-Forwarded-For` holds the caller's address."""
    sockets_per_address: int = Field(default=5000, ge=1)
    sockets_per_token: int = Field(default=5000, ge=1)
    """The most sockets of one service in a process."""
    connect_rate: OptionalRate = Field(default="1500/s")  # pyright: ignore[reportAssignmentType]
    """WebSockets admitted per process; others hear when to come again."""
    watch_share: Share = Field(default="32,16,10/s")  # pyright: ignore[reportAssignmentType]
    """Subscriptions, sockets and queries of one watch token, per process; a customer's token has eight times as much."""
    trusted_documents: Places = ()
    """Files of documents, or folders of such files."""
    only_trusted_documents: bool = False
    introspection: str = Field(default="on", pattern="^(on|admin|off)$")
    graphiql: Page = "on"
    operator_console: str = Field(default="on", pattern="^(on|off)$")
    """Whether the API serves the console at `/operator`."""
    graphiql_token: SecretStr = SecretStr("")
    """A service token that GraphiQL opens with; for the demo alone."""

    @model_validator(mode="after")
    def _asking_has_its_time(self) -> Self:
        if self.end_margin >= self.quote_deadline:
            raise ValueError("OSAGO_END_MARGIN: must be shorter than OSAGO_QUOTE_DEADLINE")
        if self.retention <= self.quote_deadline:
            raise ValueError("OSAGO_RETENTION: must be longer than OSAGO_QUOTE_DEADLINE")
        if self.offer_retention < self.retention:
            raise ValueError("OSAGO_OFFER_RETENTION: must not be shorter than OSAGO_RETENTION")
        return self

    @classmethod
    def load(cls) -> Self:
        """Reads the environment.

        Raises:
            WrongSetting: a value is wrong; the text names the variable and never holds the value.
        """
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            names = [str(part) for part in first["loc"][:1]]
            prefix = "".join(f"OSAGO_{name.upper()}: " for name in names)
            why = _FORMS.get(names[0] if names else "", first["msg"].removeprefix("Value error, "))
            raise WrongSetting(f"{prefix}{why}") from None
        except (OSError, UnicodeDecodeError):
            raise WrongSetting(".env: cannot be read as text") from None

    def secret(self) -> str:
        """The secret that tokens without a key's id are signed with; empty where there are only keys with ids.

        Raises:
            WrongSetting: there is none, or a short one.
        """
        secret = self.auth_secret.get_secret_value()
        if not secret and self.auth_keys.get_secret_value():
            return ""
        if len(secret.encode()) < AUTH_SECRET_BYTES_MIN:
            raise WrongSetting(
                f"OSAGO_AUTH_SECRET: needed, at least {AUTH_SECRET_BYTES_MIN} bytes long; "
                "`openssl rand -base64 48` makes one"
            )
        return secret
