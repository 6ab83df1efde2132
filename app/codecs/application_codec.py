"""JSON documents of applications, as PostgreSQL keeps them sealed."""

from typing import Final

import msgspec

from app.domain.application import Application

_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_decoder: Final = msgspec.json.Decoder(Application)


def encode_application(application: Application) -> bytes:
    return _encoder.encode(application)


def decode_application(document: bytes) -> Application:
    return _decoder.decode(document)
