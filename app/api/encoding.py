"""JSON as every face of the API writes it."""

from typing import Final

import msgspec

encode: Final = msgspec.json.Encoder().encode
