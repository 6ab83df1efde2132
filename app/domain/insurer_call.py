"""A call that an insurer makes back to the API. Only its adapter knows its meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CallbackRule:
    """The parts of an insurer's calls that the API keeps, as its adapter declares them."""

    headers: tuple[str, ...] = ()
    """The headers that the adapter reads, by lower-case names; no other is kept."""
    signature: str = ""
    """The header with the HMAC-SHA256 of the body, in hex, where the insurer signs: no call without a good one is kept."""


@dataclass(frozen=True, slots=True)
class InsurerCall:
    """One call: its headers, by lower-case names, and its body. Either may hold personal data.

    The idempotency key and the insurer's id, None while the create has not returned, are those of the application behind the
    called address.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    idempotency_key: str = ""
    application_id: str | None = field(default=None, repr=False)
    trace: str = ""
    """The span of the call, where it is traced."""

    def header(self, name: str) -> str:
        """Empty where there is none."""
        return self.headers.get(name.lower(), "")

    def is_about(self, *, idempotency_key: str | None = None, application_id: str | None = None) -> bool:
        """Whether the call names the application of its address, by our key or the insurer's id."""
        if idempotency_key is not None:
            return idempotency_key == self.idempotency_key
        return application_id is not None and application_id == self.application_id
