"""TLS towards insurers: always checked; with an authority and a client certificate of one's own where `tls` says so."""

import functools
import os
import ssl
from pathlib import Path

from app.config.insurers_file import InsurerSettings, WrongInsurer


def tls_context(settings: InsurerSettings) -> ssl.SSLContext:
    """TLS 1.2 at least, names and certificates checked.

    Raises:
        WrongInsurer: a file of `tls` cannot be used; the text says which and why, and holds no secret.
    """
    tls = settings.tls
    if not tls.ca_file and not tls.cert_file:
        return _usual()
    context = _trusting(settings)
    if tls.cert_file:
        _identify(context, settings)
    return context


@functools.cache
def _usual() -> ssl.SSLContext:
    """Loading the system's authorities takes some 10 ms: most insurers share them."""
    return ssl.create_default_context()


def _trusting(settings: InsurerSettings) -> ssl.SSLContext:
    file = settings.tls.ca_file
    if file is None:
        return ssl.create_default_context()
    _readable(settings, "ca_file", file)
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise WrongInsurer(settings.id, "tls.ca_file", f"{file}: no PEM file of certificates") from None


def _identify(context: ssl.SSLContext, settings: InsurerSettings) -> None:
    tls = settings.tls
    assert tls.cert_file is not None  # noqa: S101 - the caller has checked it
    _readable(settings, "cert_file", tls.cert_file)
    if tls.key_file:
        _readable(settings, "key_file", tls.key_file)
    password = os.environ.get(tls.key_password_env, "") if tls.key_password_env else ""
    try:
        # Without a password OpenSSL would ask for it on the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file, lambda: password)
    except ssl.SSLError as error:
        file = tls.key_file or tls.cert_file
        key, why = _reason(error, is_encrypted=b"ENCRYPTED" in file.read_bytes(), has_password=bool(password))
        raise WrongInsurer(settings.id, key, f"{file}: {why}") from None


def _reason(error: ssl.SSLError, *, is_encrypted: bool, has_password: bool) -> tuple[str, str]:
    """The key of insurers.toml to look at, and why; OpenSSL often names neither."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return "tls.key_file", "the key does not belong to the certificate of tls.cert_file"
    if is_encrypted:
        return "tls.key_password_env", f"the password {'does not open the key' if has_password else 'is not set'}"
    return "tls.cert_file", "no PEM file of a certificate and its key"


def _readable(settings: InsurerSettings, key: str, file: Path) -> None:
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise WrongInsurer(settings.id, f"tls.{key}", f"{file}: {error.strerror}") from None
