"""Tokens: forged ones are refused, and only the holder of a key can make a valid one."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from app.api.auth.jwks import check_source
from app.api.auth.keyring import Keyring, key_set, parse_secrets, usable_keys
from app.api.auth.tokens import SKEW_S, TTL_S_MAX, ProviderRules, Tokens
from app.api.from_settings import make_tokens
from app.config.settings import Settings
from app.domain.caller import Service, Watcher
from app.domain.errors import NotAuthenticated, WrongSetting
from app.runtime.clock import Clock

SECRET = "a secret of the tests, long enough to sign"
OTHER = "another secret of the tests, as long as that"
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = int(time.time())
"""When this was read: what lies ahead of it lies an hour ahead, for the suite may take minutes to come here."""
GOOD: Mapping[str, Any] = {"sub": "core-app", "aud": "osago", "exp": NOW + 3600, "scope": "quotes:read"}


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header: object, claims: object, secret: str = SECRET) -> str:
    """Signed by hand: libraries refuse to make some of these."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{encoded(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"


def jwk(key: rsa.RSAPrivateKey, key_id: str = "idp-1", **more: Any) -> dict[str, Any]:
    return {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": key_id, **more}


def of_provider(
    claims: Mapping[str, Any] = GOOD, key: rsa.RSAPrivateKey = PRIVATE, key_id: str | None = "idp-1"
) -> str:
    return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": key_id} if key_id else None)


@pytest.fixture
def tokens() -> Tokens:
    keyring = Keyring(SECRET)
    keyring.learn(usable_keys(key_set({"keys": [jwk(PRIVATE)]})))
    return Tokens(keyring, Clock(), watch_ttl_s=60)


HS256 = {"alg": "HS256", "typ": "JWT"}
PUBLIC_PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_what_we_make_holds(tokens: Tokens) -> None:
    """A service's token, a watch token, and a token made elsewhere with the shared secret are accepted."""
    request_id = uuid4()
    assert tokens.caller(tokens.service_token("a", "x y", timedelta(hours=1))) == Service("a", frozenset({"x", "y"}))
    assert tokens.caller(tokens.watch_token(request_id)) == Watcher(request_id)
    assert tokens.caller(forged(HS256, GOOD)) == Service("core-app", frozenset({"quotes:read"}))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": "RS256", "kid": "idp-1"},
        {"alg": None},
        {},
        {**HS256, "kid": "idp-1"},
        {**HS256, "kid": "unknown"},
        {**HS256, "kid": "../../dev/null"},
        {**HS256, "kid": ""},
        {**HS256, "kid": 1},
        {**HS256, "kid": []},
        {**HS256, "crit": ["exp"]},
        [],
        "HS256",
        None,
    ],
)
def test_a_header_chooses_neither_its_algorithm_nor_its_key(tokens: Tokens, header: object) -> None:
    """A token with a foreign `alg` or key in its header is refused, although it is signed with the secret."""
    with pytest.raises(NotAuthenticated):
        tokens.grant(forged(header, GOOD))


@pytest.mark.parametrize(
    "claims",
    [
        {**GOOD, "aud": "other"},
        {**GOOD, "aud": None},
        {**GOOD, "aud": ["osago", "osago-watch"]},
        {**GOOD, "aud": "osago-watch"},  # the subject is no request
        {key: GOOD[key] for key in ("sub", "exp")},
        {key: GOOD[key] for key in ("sub", "aud")},
        {key: GOOD[key] for key in ("aud", "exp")},
        {**GOOD, "sub": ""},
        {**GOOD, "sub": 1},
        {**GOOD, "sub": "a\u0000b"},
        {**GOOD, "sub": "x" * 300},
        {**GOOD, "scope": ["admin"]},
        {**GOOD, "exp": NOW - 1},
        {**GOOD, "exp": str(NOW + 3600)},
        {**GOOD, "exp": True},
        {**GOOD, "exp": float("inf")},
        {**GOOD, "exp": 10**400},
        {**GOOD, "nbf": 10**400},
        {**GOOD, "iat": -(10**400)},
        {**GOOD, "exp": float("nan")},
        {**GOOD, "exp": None},
        {**GOOD, "nbf": NOW + 3600},
        {**GOOD, "iat": NOW + 3600},
        {**GOOD, "nbf": "0"},
        [],
        None,
        "claims",
    ],
)
def test_claims_must_all_hold(tokens: Tokens, claims: object) -> None:
    """A token with a missing or wrong claim is refused, well signed or not."""
    with pytest.raises(NotAuthenticated):
        tokens.grant(forged(HS256, claims))


def test_a_clock_ahead_of_ours_is_forgiven(tokens: Tokens) -> None:
    """The clock of an issuer may be ahead by half a minute; expiry is exact."""
    assert tokens.caller(forged(HS256, {**GOOD, "iat": NOW + SKEW_S / 2, "nbf": NOW + SKEW_S / 2}))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_not_a_bit_can_be_changed(tokens: Tokens, part: int) -> None:
    """One changed bit of header, claims or signature invalidates the token."""
    parts = tokens.service_token("core-app", "", timedelta(hours=1)).split(".")
    for place in range(0, len(parts[part]) - 1, 3):
        changed = list(parts)
        letter = "A" if parts[part][place] != "A" else "B"
        changed[part] = parts[part][:place] + letter + parts[part][place + 1 :]
        with pytest.raises(NotAuthenticated):
            tokens.grant(".".join(changed))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "\x00", "é.é.é", encoded(HS256) * 3000, "." * 4096])
def test_a_text_that_is_no_token_is_refused(tokens: Tokens, token: str) -> None:
    """A text that is no token is refused without a traceback."""
    with pytest.raises(NotAuthenticated):
        tokens.grant(token)


def test_tokens_of_an_identity_provider_hold(tokens: Tokens) -> None:
    """A provider signs tokens of services only, each with a key's id; watch tokens and other algorithms are refused."""
    assert tokens.caller(of_provider()) == Service("core-app", frozenset({"quotes:read"}))
    assert tokens.caller(of_provider({**GOOD, "aud": ["osago", "billing"]}))
    watch = {"sub": str(uuid4()), "aud": "osago-watch", "exp": NOW + 60}
    bad = [
        of_provider(key=STRANGER),
        of_provider(key_id=None),
        of_provider(key_id="idp-2"),
        of_provider(watch),
        of_provider({**GOOD, "exp": NOW - 1}),
        forged({**HS256, "kid": "idp-1"}, GOOD, PUBLIC_PEM),  # the public key, taken for a secret
        forged(HS256, GOOD, PUBLIC_PEM),
        jwt.encode(dict(GOOD), PRIVATE, algorithm="RS512", headers={"kid": "idp-1"}),
    ]
    for token in bad:
        with pytest.raises(NotAuthenticated):
            tokens.grant(token)


def test_a_key_within_the_token_is_not_used(tokens: Tokens) -> None:
    """A key, or the address of a key, inside of the token is ignored."""
    for more in ({"jwk": jwk(STRANGER)}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/"}):
        token = jwt.encode(dict(GOOD), STRANGER, algorithm="RS256", headers={"kid": "idp-9", **more})
        with pytest.raises(NotAuthenticated):
            tokens.grant(token)


def test_keys_rotate_by_their_id() -> None:
    """The first key signs, all keys verify, and a key that is dropped verifies nothing any more."""
    clock = Clock()
    old = Tokens(Keyring("", {"k1": SECRET}), clock, watch_ttl_s=60)
    both = Tokens(Keyring("", {"k2": OTHER, "k1": SECRET}), clock, watch_ttl_s=60)
    new = Tokens(Keyring("", {"k2": OTHER}), clock, watch_ttl_s=60)
    before, after = (them.service_token("a", "", timedelta(hours=1)) for them in (old, both))
    assert jwt.get_unverified_header(after)["kid"] == "k2"
    assert both.caller(before) == both.caller(after) == new.caller(after)
    for them, token in ((new, before), (old, after)):
        with pytest.raises(NotAuthenticated):
            them.grant(token)


def test_the_secret_without_an_id_goes_on_beside_them() -> None:
    """The secret without an id stays valid beside keys with ids, so that an old installation can rotate too."""
    clock = Clock()
    began = Tokens(SECRET, clock, watch_ttl_s=60)
    beside = Tokens(Keyring(SECRET, {"k1": OTHER}), clock, watch_ttl_s=60)
    assert beside.caller(began.service_token("a", "", timedelta(hours=1)))
    assert jwt.get_unverified_header(beside.service_token("a", "", timedelta(hours=1)))["kid"] == "k1"


@pytest.mark.parametrize("text", ["k1", "k1:short", f"a b:{SECRET}", f"k1:{SECRET},k1:{OTHER}", f":{SECRET}"])
def test_wrong_keys_are_refused_without_being_shown(text: str) -> None:
    """The error is one line that names the setting."""
    with pytest.raises(WrongSetting, match="OSAGO_AUTH_KEYS") as error:
        parse_secrets(text)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": ["x", 1, None, {}]},
        {"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]},
        {"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}]},
        {"keys": [jwk(PRIVATE, use="enc")]},
        {"keys": [jwk(PRIVATE, alg="RS512")]},
        {"keys": [json.loads(RSAAlgorithm.to_jwk(PRIVATE)) | {"kid": "private"}]},
        {"keys": [{**jwk(PRIVATE), "kid": None}]},
        {"keys": [{**jwk(PRIVATE), "kid": []}]},
        {"keys": [{**jwk(PRIVATE), "kid": ""}]},
    ],
)
def test_a_key_set_without_a_usable_key_is_none(document: object) -> None:
    """Weak, private, symmetric or nameless ones are left out."""
    with pytest.raises((ValueError, jwt.PyJWKSetError), match=r"JSON Web Key Set|JWK Set|RS256"):
        usable_keys(key_set(document))


async def test_keys_of_a_file_are_read_again(tmp_path: Path) -> None:
    """A provider rotates its keys; while the file is unreadable the ones from before hold."""
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk(PRIVATE)]}))
    tokens = Tokens(Keyring(SECRET), Clock(), watch_ttl_s=60, jwks=str(file))
    assert tokens.jwks
    await tokens.jwks.refresh()
    assert tokens.caller(of_provider())
    file.write_text("{")
    await tokens.jwks.refresh()
    assert tokens.caller(of_provider())
    file.write_text(json.dumps({"keys": [jwk(STRANGER, "idp-2")]}))
    await tokens.jwks.refresh()
    assert tokens.caller(of_provider(key=STRANGER, key_id="idp-2"))
    with pytest.raises(NotAuthenticated):  # although it was checked before, and is remembered
        tokens.grant(of_provider())


@pytest.mark.parametrize(
    "source",
    [
        "http://idp.example/keys",
        "http://localhost.evil.example/keys",
        "http://127.0.0.1.nip.io/keys",
        "http://127.0.0.1@evil.example/keys",
        "https://user:secret@idp.example/keys",
        "http:///keys",
        "/no/such/file",
    ],
)
def test_keys_come_from_a_safe_place(source: str) -> None:
    """A key set fetched over plain HTTP could be replaced on its way; a file has to exist."""
    for local in ("http://127.0.0.1:8080/keys", "http://localhost/keys", "http://[::1]/keys"):
        check_source(local)
    with pytest.raises(WrongSetting, match="OSAGO_JWKS"):
        check_source(source)


@pytest.mark.parametrize("more", ["=", "==", "\n", " ", "!", "-"])
def test_a_token_is_written_in_one_way(tokens: Tokens, more: str) -> None:
    """What decoders skip would make many of one token: each would have a place in the cache, and limits of its own."""
    token = tokens.watch_token(uuid4())
    assert tokens.caller(token)
    for other in (token + more, token.replace(".", more + ".", 1), token.replace(".", "." + more, 1)):
        with pytest.raises(NotAuthenticated):
            tokens.caller(other)


def test_the_spare_bits_of_a_signature_are_zero(tokens: Tokens) -> None:
    """43 characters hold two bits more than 32 bytes have: three other last characters decode to the same signature."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for token in (tokens.watch_token(uuid4()), of_provider()):
        holding = []
        for last in digits:
            try:
                holding.append(tokens.caller(token[:-1] + last))
            except NotAuthenticated:
                continue
        assert len(holding) == 1


@pytest.mark.parametrize("between", ["\u00a0", "\t", "\n", "\u2003", "\x1f"])
def test_a_space_separates_scopes_and_nothing_else_does(tokens: Tokens, between: str) -> None:
    """RFC 8693, 4.2: U+0020. Any other white space is part of a scope's name, and that scope is unknown here."""
    caller = tokens.caller(forged(HS256, {**GOOD, "scope": f"quotes:read{between}quotes:write  admin "}))
    assert isinstance(caller, Service)
    assert caller.scopes == {f"quotes:read{between}quotes:write", "admin"}


@pytest.mark.parametrize("ahead_s", [TTL_S_MAX + 86_400, 1e15, 1e308, 10**15])
def test_a_token_that_holds_for_years_does_not_hold(tokens: Tokens, ahead_s: float) -> None:
    """A lifetime of more than a year is refused, by any issuer and any key."""
    with pytest.raises(NotAuthenticated):
        tokens.caller(forged(HS256, {**GOOD, "exp": NOW + ahead_s}))
    assert tokens.caller(forged(HS256, {**GOOD, "exp": NOW + TTL_S_MAX - 86_400}))


RULES = ProviderRules("https://idp.example", "idp:", frozenset({"quotes:read", "quotes:write"}))


@pytest.fixture
def ruled() -> Tokens:
    keyring = Keyring(SECRET)
    keyring.learn(usable_keys(key_set({"keys": [jwk(PRIVATE)]})))
    return Tokens(keyring, Clock(), watch_ttl_s=60, provider=RULES)


def test_a_provider_gives_what_its_rules_say(ruled: Tokens) -> None:
    """The provider's `core-app` is another tenant than the shared secret's, and its `admin` grants nothing; tokens of the secret are exempt."""
    claims = {**GOOD, "iss": RULES.issuer, "scope": "admin quotes:read operator:act"}
    assert ruled.caller(of_provider(claims)) == Service("idp:core-app", frozenset({"quotes:read"}))
    assert ruled.caller(forged(HS256, {**claims, "iss": "x"})) == Service(
        "core-app", frozenset({"admin", "quotes:read", "operator:act"})
    )


@pytest.mark.parametrize(
    "changes",
    [{"iss": "https://idp.example/"}, {"iss": "https://evil.example"}, {"iss": None}, {"iss": RULES.issuer.upper()}, {}]
    + [{"iss": RULES.issuer, "sub": sub} for sub in ("", None, 5, ["core-app"], "x" * 256)],
)
def test_tokens_of_another_issuer_or_of_no_subject_do_not_hold(ruled: Tokens, changes: Mapping[str, Any]) -> None:
    """Also if the provider's key signed them: a provider signs tokens for other audiences too."""
    with pytest.raises(NotAuthenticated):
        ruled.caller(of_provider({name: value for name, value in {**GOOD, **changes}.items() if value is not None}))


@pytest.mark.parametrize("issuer", ["", "https://idp.example"])
def test_keys_of_a_provider_need_an_issuer(issuer: str) -> None:
    """Otherwise any token that the provider signs would be accepted: the process exits with one line that says so."""
    keys = "https://idp.example/keys"
    settings = Settings(_env_file=None, auth_secret=SECRET, jwks=keys, jwks_issuer=issuer)  # type: ignore[call-arg]
    if issuer:
        assert make_tokens(settings, Clock()).jwks
        return
    with pytest.raises(WrongSetting, match=r"\AOSAGO_JWKS_ISSUER: [^\n]+\Z"):
        make_tokens(settings, Clock())
