"""An insurer as customers know it. How it is reached is a setting (`app.config.insurers_file`), not the domain's business."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

INSURER_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""Also the name of its stream, lane and metrics."""


class Availability(StrEnum):
    """Whether calls pass the circuit of an insurer."""

    AVAILABLE = "AVAILABLE"
    RECOVERING = "RECOVERING"
    """Half open: a trial call decides."""
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Insurer:
    """An insurer: a company with an API for quotes."""

    id: str
    name: str
