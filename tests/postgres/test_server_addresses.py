"""The addresses in a database URL, as libpq writes them."""

import pytest

from app.domain.errors import WrongSetting
from app.postgres.servers.addresses import ServerAddress, addresses_of, check_url, place_of


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("postgresql://osago@db1,db2:5433/osago", [("db1", 5432), ("db2", 5433)]),
        ("postgresql://osago:p%40ss@[::1]:5433,db2/osago?target_session_attrs=any", [("::1", 5433), ("db2", 5432)]),
        ("postgresql:///osago?host=/run/postgresql", [("/run/postgresql", 5432)]),
        ("postgresql:///osago?host=/a,db2&port=5433,5434", [("/a", 5433), ("db2", 5434)]),
        ("postgresql://db1,db2/osago?port=6432", [("db1", 6432), ("db2", 6432)]),
        ("postgresql://%2Frun%2Fpostgresql/osago", [("/run/postgresql", 5432)]),
        ("postgresql://db1,db1/osago", [("db1", 5432)]),
        ("postgresql:///osago", [("", 5432)]),
    ],
)
def test_every_server_of_a_url_is_found(url: str, addresses: list[tuple[str, int]]) -> None:
    """Servers keep the order of the URL, and each is listed once."""
    check_url(url)
    assert addresses_of(url) == tuple(ServerAddress(host, port) for host, port in addresses)


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1"])
def test_a_wrong_port_is_one_line_without_the_password(port: str) -> None:
    """The check covers the port of each server."""
    with pytest.raises(WrongSetting) as raised:
        check_url(f"postgresql://osago:secret@db1,db2:{port}/osago")
    assert "secret" not in str(raised.value)


def test_a_place_has_no_password() -> None:
    """The place is written to the log."""
    assert place_of("postgresql://osago:secret@db1,db2:5433/osago") == "db1,db2:5433"
