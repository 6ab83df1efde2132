"""Adapters: one insurer's wire each, chosen by `adapter = "…"` in insurers.toml."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.domain.errors import WrongSetting
from workers.insurers.adapter import Adapter
from workers.insurers.http import InsurerHttp
from workers.insurers.rest_poll import RestPoll

ADAPTERS: Final[Mapping[str, Callable[[InsurerHttp], Adapter]]] = MappingProxyType({"rest-poll": RestPoll})


def make_adapter(name: str, http: InsurerHttp) -> Adapter:
    """The adapter of that name.

    Raises:
        WrongSetting: there is none.
    """
    if name not in ADAPTERS:
        raise WrongSetting(f'adapter = "{name}": there is none; known are {", ".join(sorted(ADAPTERS))}')
    return ADAPTERS[name](http)
