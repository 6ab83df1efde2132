"""The variables of a plan, out of JSON, as plain values.

The input is read by its own table (`app.domain.intake.application_reader.fast_reader`), which takes nothing that graphql-core would refuse. What
does not decode here is left to graphql-core.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec


def compile_variables(name: str) -> Callable[[bytes | msgspec.Raw], dict[str, Any]]:
    """A function that decodes the variables of an operation that has this one, an object.

    It raises msgspec.MsgspecError or UnicodeDecodeError for anything else.
    """
    shape = msgspec.defstruct("Variables", [(name, dict[str, Any])], forbid_unknown_fields=True, gc=False)
    decode, value_of = msgspec.json.Decoder(shape).decode, attrgetter(name)
    return lambda variables: value_of(decode(variables))
