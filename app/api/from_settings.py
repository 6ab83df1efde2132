"""The parts of the API that are made from settings: tokens, origins, documents."""

from app.api.auth.jwks import check_source
from app.api.auth.keyring import Keyring, parse_secrets
from app.api.auth.tokens import TTL_S_MAX, ProviderRules, Tokens
from app.api.connections.origin_guard import parse_origins
from app.api.execution.document_files import FaultKind, read_files
from app.api.execution.prepared_documents import PreparedDocuments
from app.api.schema.build import GRAPHQL
from app.config.settings import Settings
from app.domain.errors import WrongSetting
from app.runtime.clock import Clock


def make_tokens(settings: Settings, clock: Clock) -> Tokens:
    """Makes the service of tokens.

    Raises:
        WrongSetting: there are no keys, or bad ones.
    """
    if settings.watch_token_ttl > TTL_S_MAX:
        raise WrongSetting(f"OSAGO_WATCH_TOKEN_TTL: at most {TTL_S_MAX / 86_400:.0f}d")
    keyring = Keyring(settings.secret(), parse_secrets(settings.auth_keys.get_secret_value()))
    return Tokens(
        keyring, clock, watch_ttl_s=settings.watch_token_ttl, jwks=settings.jwks, provider=_provider_rules(settings)
    )


def _provider_rules(settings: Settings) -> ProviderRules | None:
    if not settings.jwks:
        return None
    if not settings.jwks_issuer:
        raise WrongSetting("OSAGO_JWKS_ISSUER: needed with OSAGO_JWKS, as the provider's tokens have it in `iss`")
    prefix = "" if settings.jwks_tenant_prefix == "off" else settings.jwks_tenant_prefix
    return ProviderRules(settings.jwks_issuer, prefix, frozenset(settings.jwks_scopes.split()))


def make_operations(settings: Settings) -> PreparedDocuments:
    """Makes the store of documents that may be run.

    Raises:
        WrongSetting: a file of trusted documents, or one of these, is no good.
    """
    read = read_files(settings.trusted_documents)
    for fault in read.faults:
        which = f"{fault.name} ({fault.id}): " if fault.kind is not FaultKind.FILE else ""
        raise WrongSetting(f"OSAGO_TRUSTED_DOCUMENTS: {fault.file}: {which}{fault.why}")
    try:
        return PreparedDocuments(GRAPHQL, read.documents, only_trusted=settings.only_trusted_documents)
    except WrongSetting as wrong:
        raise WrongSetting(f"OSAGO_TRUSTED_DOCUMENTS: {wrong}") from None


def check(settings: Settings) -> None:
    """Whether an API can work with these settings, before it begins to.

    Raises:
        WrongSetting: it cannot; the text says what to mend.
    """
    if settings.jwks:
        check_source(settings.jwks)
    make_tokens(settings, Clock())
    make_operations(settings)
    parse_origins(settings.origins)
