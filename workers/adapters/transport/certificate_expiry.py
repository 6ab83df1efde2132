"""When certificates end: of an insurer, as its connections show it, and the one that we identify ourselves with."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.observability import metrics


def note_server_certificate(insurer_id: str, certificate: Mapping[str, Any]) -> None:
    """`certificate` as `ssl.SSLSocket.getpeercert` has it; empty where none was checked."""
    if ends := certificate.get("notAfter"):
        metrics.CERTIFICATE.labels(insurer_id, "server").set(ssl.cert_time_to_seconds(ends))


def note_client_certificate(insurer_id: str, file: Path) -> None:
    """The first certificate of a PEM file that OpenSSL has taken; of a chain the others are the authority's."""
    from cryptography import x509  # a tenth of a worker's start, for the few insurers that want a certificate

    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    metrics.CERTIFICATE.labels(insurer_id, "client").set(certificate.not_valid_after_utc.timestamp())
