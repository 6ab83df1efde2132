"""JSON documents of consents, as PostgreSQL keeps them sealed once the application is destroyed: with a form, as applications have it."""

from typing import Final

import msgspec

from app.domain.application import Consent

FORM: Final = 1


class ConsentProof(msgspec.Struct, frozen=True):
    """A consent with the ids of the insurers that it was used for."""

    consent: Consent
    recipients: tuple[str, ...]
    form: int = FORM

    def __repr__(self) -> str:
        return "ConsentProof(…)"


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(ConsentProof)


def encode_consent(proof: ConsentProof) -> bytes:
    return _encoder.encode(proof)


def decode_consent(document: bytes) -> ConsentProof:
    """The reverse.

    Raises:
        msgspec.DecodeError: it is no consent of a known form.
    """
    return _decoder.decode(document)
