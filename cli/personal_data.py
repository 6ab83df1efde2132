"""`osago keys` and `osago forget`: what an operator does about personal data and its keys."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.config.key_derivation import EVENTS, derived_key
from app.domain.errors import WrongSetting
from app.domain.subjects.purge import PurgeReason
from app.observability import logs
from app.postgres.cipher import parse_keys
from app.resources import Resources, open_resources
from app.use_cases.personal.key_rotation import Rotation
from cli.demo_settings import load_settings
from cli.personal.personal_reports import author
from cli.server_access import run_against_servers

Result = TypeVar("Result")


def rotate_keys() -> int:
    """Seals every application and link with the first key; returns the exit code: 1 if some cannot be read."""

    async def rotate(resources: Resources) -> Rotation:
        return await resources.rotation.rotate()

    done = _run(rotate)
    print(f"re-encrypted {done.resealed}, links {done.links}, consents {done.consents}")
    if done.unreadable:
        print(f"unreadable {done.unreadable}: the key that sealed them is not in OSAGO_ENCRYPTION_KEYS")
    if not done.has_identifiers:
        print("the key of identifiers is unreadable, too: records of destruction name no people until it can be read")
    if done.unreadable or not done.has_identifiers:
        return 1
    print("every application and link is sealed with the first key: the others may be dropped")
    return 0


def print_feed_keys() -> None:
    """Prints a key for each that encrypts, `id:hex,…`. They open nothing; a holder may forge entries of the feed."""
    keys = parse_keys(load_settings().encryption_keys.get_secret_value())
    print(",".join(f"{key_id}:{derived_key(key, EVENTS).hex()}" for key_id, key in keys.items()))


def forget_customer(customer_id: str, tenant: str, by: str, *, is_withdrawn: bool) -> None:
    """Destroys everything of a customer; the consent stays where it is withdrawn."""
    reason = PurgeReason.CONSENT_WITHDRAWN if is_withdrawn else PurgeReason.FORGOTTEN

    async def forget(resources: Resources) -> int:
        return await resources.purging.forget(customer_id, tenant or None, reason=reason, actor=author(by))

    print(f"forgotten {_run(forget)}")


def purge_key(key_id: str, by: str) -> None:
    """Records as destroyed, and removes, what a dropped key has sealed.

    Raises:
        WrongSetting: the key is still among ours.
    """
    if key_id in parse_keys(load_settings().encryption_keys.get_secret_value()):
        raise WrongSetting(f"{key_id}: still in OSAGO_ENCRYPTION_KEYS; `osago keys rotate`, then take it out")

    async def purge(resources: Resources) -> int:
        return await resources.purging.purge_key(key_id, actor=author(by))

    print(f"purged {_run(purge)}")


def _run(step: Callable[[Resources], Awaitable[Result]]) -> Result:
    settings = load_settings()
    logs.configure(log_format="console", level="error")  # the command prints its outcome itself

    async def main() -> Result:
        async with open_resources(settings) as resources:
            return await step(resources)

    return run_against_servers(main)
