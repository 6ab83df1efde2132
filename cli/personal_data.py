"""`osago keys` and `osago forget`: what an operator does about personal data and its keys."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.config.key_derivation import EVENTS, derived_key
from app.observability import logs
from app.postgres.cipher import parse_keys
from app.resources import Resources, open_resources
from app.use_cases.personal.key_rotation import Rotation
from cli.demo_settings import load_settings
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
        return 1
    print("every application and link is sealed with the first key: the others may be dropped")
    return 0


def print_feed_keys() -> None:
    """One key for each of those that encrypt, `id:hex,…`. They open nothing; a holder may forge entries of the feed."""
    keys = parse_keys(load_settings().encryption_keys.get_secret_value())
    print(",".join(f"{key_id}:{derived_key(key, EVENTS).hex()}" for key_id, key in keys.items()))


def forget_customer(customer_id: str, tenant: str) -> None:
    """Destroys everything of a customer."""

    async def forget(resources: Resources) -> int:
        return await resources.purging.forget(customer_id, tenant or None)

    print(f"forgotten {_run(forget)}")


def _run(step: Callable[[Resources], Awaitable[Result]]) -> Result:
    settings = load_settings()
    logs.configure(log_format="console", level="error")  # the command prints its outcome itself

    async def main() -> Result:
        async with open_resources(settings) as resources:
            return await step(resources)

    return run_against_servers(main)
