"""Settings and insurers.toml: what is wrong is one line that says what to mend."""

import base64
from pathlib import Path

import pytest

from app.config.insurers_file import PollInterval, load_insurers
from app.config.quantities import parse_duration, parse_rate
from app.config.settings import Settings
from app.domain.errors import WrongSetting
from app.postgres.cipher import Cipher
from app.redis.topology import parse_address

KEY = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("5s", 5), ("1.5s", 1.5), ("30min", 1800), ("1h", 3600), ("30d", 2592000)]
)
def test_durations_have_units(text: str, seconds: float) -> None:
    """Every unit of the documents is understood."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["5", "s", "-1s", "0s", "1 s", "1e3s", "٣s", "", 5, None, "nans"])
def test_other_durations_are_refused(text: object) -> None:
    """A number without its unit is ambiguous."""
    with pytest.raises(ValueError, match="with a unit"):
        parse_duration(text)


def test_rates_are_numbers_per_time() -> None:
    """`off` is a rate, too."""
    assert parse_rate("off") is None
    rate = parse_rate("30/min")
    assert rate is not None
    assert (rate.count, rate.per_s, rate.per_second) == (30, 60, 0.5)
    for text in ("0/s", "5", "5/ms", "5 /s", "-5/s", ""):
        with pytest.raises(ValueError, match="per unit of time"):
            parse_rate(text)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OSAGO_QUOTE_DEADLINE", "60", "OSAGO_QUOTE_DEADLINE: a duration is a number with a unit"),
        ("OSAGO_SHARDS", "0", "OSAGO_SHARDS: Input should be greater than or equal to 1"),
        ("OSAGO_RATE_LIMIT", "many", "OSAGO_RATE_LIMIT: a rate is a number per unit of time"),
        ("OSAGO_QUOTE_DEADLINE", "1s", "OSAGO_END_MARGIN: must be shorter than OSAGO_QUOTE_DEADLINE"),
        (
            "OSAGO_DATABASE_URL",
            "mysql://secret@host/db",
            "OSAGO_DATABASE_URL: expected postgresql://user@host:5432/database",
        ),
    ],
)
def test_a_wrong_setting_names_its_variable_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    """One line; a URL may hold a password."""
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting) as error:
        Settings.load()
    assert str(error.value).startswith(message)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.default])
def test_each_default_can_be_written_into_its_variable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A variable is parsed into the same value as the default, for every type of setting, JSON included."""
    monkeypatch.setenv(f"OSAGO_{name.upper()}", str(Settings.model_fields[name].default))
    assert getattr(Settings.load(), name) == getattr(Settings(_env_file=None), name)  # type: ignore[call-arg]


def test_the_secret_must_be_long_enough() -> None:
    """A short one could be guessed."""
    with pytest.raises(WrongSetting, match="OSAGO_AUTH_SECRET: needed"):
        Settings(_env_file=None, auth_secret="short").secret()  # type: ignore[call-arg]


@pytest.mark.parametrize("text", ["", "k1", "k1:", "k1:AAAA", f"k1:{KEY},k1:{KEY}", f"a b:{KEY}", "k1:не-base64"])
def test_wrong_encryption_keys_are_refused_without_being_shown(text: str) -> None:
    """Missing, short, repeated or unreadable keys."""
    with pytest.raises(WrongSetting, match="OSAGO_ENCRYPTION_KEYS") as error:
        Cipher.from_setting(text)
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("url", "hosts", "name"),
    [
        ("redis+sentinel://h1,h2:1,h3/main/2", (("h1", 26379), ("h2", 1), ("h3", 26379)), "main"),
        ("redis+cluster://user:p%40ss@h1:7000,h2", (("h1", 7000), ("h2", 6379)), ""),
    ],
)
def test_sentinel_and_cluster_have_addresses_of_their_own(url: str, hosts: object, name: str) -> None:
    """Several hosts, and Sentinel's name of the master."""
    address = parse_address(url)
    assert (address.hosts, address.name) == (hosts, name)
    assert address.options.get("password") in {None, "p@ss"}


@pytest.mark.parametrize(
    "url",
    ["http://h", "redis+sentinel://h1", "redis+cluster://", "redis+sentinel://h:x/main", "redis+cluster://h/name"],
)
def test_other_addresses_are_refused_without_being_shown(url: str) -> None:
    """One line that names the forms."""
    with pytest.raises(WrongSetting, match=r"OSAGO_REDIS_URL: expected"):
        parse_address(url)


def insurers(folder: Path, text: str) -> Path:
    file = folder / "insurers.toml"
    file.write_text(text, encoding="utf-8")
    return file


INSURER = '[[insurer]]\nid = "sever"\nname = "Север"\nadapter = "rest-poll"\nbase_url = "http://127.0.0.1:8100/sever"\n'


def test_an_insurer_needs_four_things_and_the_rest_has_defaults(tmp_path: Path) -> None:
    """All other keys have the defaults of the documents."""
    sever = load_insurers(insurers(tmp_path, INSURER))["sever"]
    assert (sever.max_in_flight, sever.request_timeout, sever.rate_limit) == (2500, 5.0, None)
    assert sever.retry.attempts == 3


def test_every_key_of_the_contract_is_understood(tmp_path: Path) -> None:
    """All keys of one insurer at once."""
    text = INSURER + (
        'token_env = "SEVER_TOKEN"\nrate_limit = "50/s"\npoll_rate_limit = "200/s"\nmax_in_flight = 2500\n'
        'request_timeout = "5s"\npoll_interval = { first = "1s", factor = 1.5, most = "8s" }\n'
        'breaker = { failure_rate = 0.5, window = "10s", min_calls = 20, reset_after = "10s", most = "60s" }\n'
        'retry = { attempts = 3, first = "200ms", most = "2s" }\n'
    )
    sever = load_insurers(insurers(tmp_path, text))["sever"]
    assert [sever.poll_interval.after(polls) for polls in (0, 1, 5, 50)] == [1.0, 1.5, 7.59375, 8.0]
    assert sever.retry.first == 0.2


def test_a_poll_interval_may_be_one_duration(tmp_path: Path) -> None:
    """The interval then stays the same for all polls."""
    sever = load_insurers(insurers(tmp_path, INSURER + 'poll_interval = "2s"\n'))["sever"]
    assert sever.poll_interval == PollInterval.model_validate({"first": "2s", "factor": 1, "most": "2s"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no [[insurer]] is configured"),
        ("[[insurer]", "line 1"),
        (INSURER + 'rate_limit = "fast"\n', "line 6, rate_limit: a rate is"),
        (
            INSURER + INSURER.replace("sever", "volga") + "max_in_flight = 0\n",
            "line 11, max_in_flight: Input should be",
        ),
        (INSURER + 'colour = "red"\n', "line 6, colour: Extra inputs are not permitted"),
        (INSURER.replace('"sever"\nname', '"Sever!"\nname'), "line 2, id: String should match pattern"),
        (INSURER + INSURER, "line 7, id: two insurers have the id sever"),
        (INSURER + "[insurer.breaker]\nmin_calls = 0\n", "line 6, breaker.min_calls: Input should be"),
        (INSURER + 'tls = { ca_file = "ca.pem" }\n', "line 6, tls: base_url is not https"),
        (INSURER + 'proxy = "http://user:secret@proxy:3128"\n', "line 6, proxy: user and password"),
        (INSURER.replace("http://", "http://user:secret@"), "line 5, base_url: a token belongs"),
        (INSURER.replace('name = "Север"\n', ""), "line 1, name: Field required"),
        (INSURER + "retry = { attempts = 0 }\n", "line 6, retry.attempts: Input should be greater"),
        (INSURER.replace("http://", "ftp://"), "line 5, base_url: URL scheme should be"),
    ],
)
def test_an_error_in_the_file_is_reported_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """The line says what to mend."""
    file = insurers(tmp_path, text)
    with pytest.raises(WrongSetting) as error:
        load_insurers(file)
    assert message in str(error.value)
    assert str(file) in str(error.value)


def test_a_missing_file_is_reported_with_the_variable_that_names_it(tmp_path: Path) -> None:
    """The variable says where to look."""
    with pytest.raises(WrongSetting, match="OSAGO_INSURERS_FILE"):
        load_insurers(tmp_path / "nowhere.toml")
