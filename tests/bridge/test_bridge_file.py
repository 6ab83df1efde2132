"""bridge.toml: what is wrong with it is one line that names the place."""

from pathlib import Path

import pytest

from app.domain.errors import WrongSetting
from app.runtime.clock import Clock
from bridge.bridge_file import KafkaSettings, WebhookSettings, load_destination
from bridge.bridge_process import make_destination
from bridge.destinations.webhook import AddressGuard, signers_of

ROOT = Path(__file__).parents[2]
HOOK = '[webhook]\nurl = "https://partner.example/"\nsecrets_env = "HOOK_SECRETS"\n'


def test_the_example_shows_every_kind() -> None:
    """Its tables are named as their kinds."""
    for name in ("kafka", "activemq", "nats", "webhook"):
        settings, source = load_destination(ROOT / "bridge.toml", name)
        assert (settings.name, settings.kind, source) == (name, name, "urn:osago:aggregator")


def test_a_destination_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Two of one kind have places of their own."""
    file = tmp_path / "bridge.toml"
    file.write_text('[big-data]\nkind = "kafka"\nservers = ["a:1"]\nca_file = "ca.pem"\n' + HOOK)
    settings, _ = load_destination(file, "big-data")
    assert isinstance(settings, KafkaSettings)
    assert settings.ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "webhook", "--to webhook: {file} has no such destination; it has none"),
        (HOOK, "nats", "--to nats: {file} has no such destination; it has webhook"),
        (HOOK + "tiemout = '1s'\n", "webhook", "{file}, line 4, webhook.tiemout: Extra inputs are not permitted"),
        (HOOK + "timeout = '1'\n", "webhook", "{file}, line 4, webhook.timeout: a duration is a number"),
        (HOOK + "[webhook.retry]\nfirst = 1\n", "webhook", "{file}, line 5, webhook.retry.first: a duration"),
        (HOOK.replace("https", "http"), "webhook", "{file}, line 2, webhook.url: expected https://"),
        (HOOK.replace("partner.", "me:pw@partner."), "webhook", "{file}, line 2, webhook.url: without user"),
        (HOOK + 'allow_private = ["10.0.0.1/8"]\n', "webhook", "{file}, line 4, webhook.allow_private: networks"),
        ("[shop]\nurl = 'https://a/'\n", "shop", "{file}, line 1, shop.kind: kind is needed: kafka, activemq"),
        ("[kafka]\n", "kafka", "{file}, line 1, kafka.servers: Field required"),
        ("sauce = 'x'\n", "kafka", "{file}, line 1, sauce: expected tables"),
        ("[kafka\n", "kafka", "{file}: "),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str, name: str, said: str) -> None:
    """A file with any fault starts no bridge, also of another destination."""
    file = tmp_path / "bridge.toml"
    file.write_text(text)
    with pytest.raises(WrongSetting) as raised:
        load_destination(file, name)
    assert str(raised.value).startswith(said.format(file=file))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["kafka", "activemq", "nats"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_is_none_is_refused(tmp_path: Path, kind: str, content: str | None) -> None:
    """Before anything is opened: a bridge would wait for its broker for ever."""
    authority, file = tmp_path / "ca.pem", tmp_path / "bridge.toml"
    if content is not None:
        authority.write_text(content)
    file.write_text(f'[{kind}]\nservers = ["localhost:1"]\nca_file = "ca.pem"\n')
    settings, _ = load_destination(file, kind)
    with pytest.raises(WrongSetting, match=rf"^{kind}\.ca_file: .*ca\.pem: no certificates as PEM"):
        make_destination(settings, Clock())


def hook(**more: object) -> WebhookSettings:
    return WebhookSettings.model_validate(
        {"name": "webhook", "url": "https://partner.example/", "secrets_env": "HOOK_SECRETS", **more}
    )


@pytest.mark.parametrize(
    "secrets", ["", "whsec_short", "whsec_" + "A" * 31, "A" * 40, "whsec_" + "A" * 64 + ",", "whsec_" + "=" * 64]
)
def test_a_secret_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, secrets: str) -> None:
    """The bridge refuses it at its start; the line does not hold the secret."""
    monkeypatch.setenv("HOOK_SECRETS", secrets)
    with pytest.raises(WrongSetting, match=r"^HOOK_SECRETS: ") as raised:
        signers_of(hook())
    assert not secrets or secrets not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 - not listened on
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("fec0::1", False),
        ("::a00:1", False),
        ("::ffff:0:a00:1", False),
        ("2002:7f00:1::", False),
        ("192.168.7.9", True),
    ],
)
def test_only_public_addresses_are_called(address: str, is_allowed: bool) -> None:  # noqa: FBT001
    """An IPv6 address that leads to one of IPv4 counts as that one; `allow_private` names exceptions."""
    assert AddressGuard(hook(allow_private=["192.168.7.0/24"])).allows(address) is is_allowed


def test_without_tls_only_the_networks_named_are_called() -> None:
    """A public address without TLS is none of them."""
    guard = AddressGuard(hook(url="http://shop.internal/", allow_private=["10.0.0.0/8"]))
    assert guard.allows("10.1.2.3")
    assert not guard.allows("93.184.215.14")
