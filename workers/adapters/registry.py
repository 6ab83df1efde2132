"""Adapters: one insurer's wire each, chosen by `adapter = "…"` in insurers.toml and found through entry points.

Adapters of this project are declared in its pyproject.toml, those of another package in that package's: there is no other
difference.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Final

from app.config.insurers_file import InsurerSettings, WrongInsurer
from app.domain.errors import WrongSetting
from app.resources import Resources
from workers.adapters.adapter import Adapter, InsurerAccess
from workers.adapters.transport.insurer_http import InsurerHttp

GROUP: Final = "osago.adapters"


def make_adapter(settings: InsurerSettings, line: InsurerAccess) -> Adapter:
    """The adapter of this insurer, on this line.

    Raises:
        WrongInsurer: there is none, it cannot be loaded, or it lacks an option.
    """
    with _naming(settings):
        return find_adapter(settings.adapter)(line)


def line_of(settings: InsurerSettings, resources: Resources, http: InsurerHttp) -> InsurerAccess:
    """The tools that the adapter of this insurer works with.

    Raises:
        WrongInsurer: there is no such adapter, or it cannot be loaded.
    """
    with _naming(settings):
        resources.callbacks.declare(settings.id, find_adapter(settings.adapter).abilities.callback_rule)
    return InsurerAccess(
        http=http, clock=resources.clock, options=settings.options, callback_url=resources.callbacks.url
    )


@contextmanager
def _naming(settings: InsurerSettings) -> Generator[None, None, None]:
    """Names the insurer, and the key of its table, in what is wrong with its adapter."""
    try:
        yield
    except WrongSetting as error:
        key = "options" if settings.options and "options" in str(error) else "adapter"
        raise WrongInsurer(settings.id, key, str(error)) from error.__cause__


def find_adapter(name: str) -> type[Adapter]:
    """The class that an installed package offers under that name.

    Raises:
        WrongSetting: there is none, or more than one, or it cannot be loaded.
    """
    offered = _offered(tuple(sys.path))
    found = {entry.value: entry for entry in offered if entry.name == name}
    match list(found.values()):
        case []:
            known = ", ".join(sorted(offered.names))
            raise WrongSetting(f'adapter = "{name}": there is none; known are {known}')
        case [entry]:
            return _loaded(entry)
        case _:
            raise WrongSetting(f'adapter = "{name}": offered more than once, by {", ".join(sorted(found))}')


@lru_cache(maxsize=4)
def _offered(_path: tuple[str, ...]) -> EntryPoints:
    """The adapters of the packages on this path: the metadata of each is read, some ten milliseconds an insurer."""
    return entry_points(group=GROUP)


def _loaded(entry: EntryPoint) -> type[Adapter]:
    try:
        loaded: object = entry.load()
    except (ImportError, AttributeError) as error:
        raise WrongSetting(f'adapter = "{entry.name}": {entry.value} cannot be loaded ({error})') from error
    if not (isinstance(loaded, type) and issubclass(loaded, Adapter)):
        raise WrongSetting(f'adapter = "{entry.name}": {entry.value} is no class derived from Adapter')
    return loaded
