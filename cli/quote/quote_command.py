"""`osago quote`: sends an application and shows the quotes as they arrive, as a live table, as lines, or as JSON."""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from app.domain.errors import WrongSetting
from cli.quote.aggregator_client import CallFailed, Client
from cli.quote.quote_board import Board, JsonLines, LiveTable, PlainText

DEMO_FILE: Final = Path(".osago/demo.json")
STARTS_IN: Final = timedelta(days=10)
_FAILED: Final = 1


def run(file: Path, *, url: str, token: str, customer: str, insurers: str, as_json: bool) -> int:
    """Returns the exit code: 0 when the end was seen, 1 when there was none.

    Raises:
        WrongSetting: the file cannot be read, no token is known, or the URL is not the API's.
    """
    client = _client(url, token)
    request: dict[str, Any] = {"customerId": customer, "application": _application(file)}
    if insurers:
        request["insurerIds"] = [part.strip() for part in insurers.split(",")]
    board = JsonLines() if as_json else LiveTable() if sys.stdout.isatty() else PlainText()
    try:
        return asyncio.run(_show(client, request, board))
    except CallFailed as error:
        print(f"osago quote: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return 130


async def _show(client: Client, request: Mapping[str, Any], board: Board) -> int:
    result = await client.create(request)
    if result["__typename"] != "QuoteRequestAccepted":
        board.refused(result, request.get("insurerIds", ()))
        return _FAILED
    with board.showing(result):
        async for event in client.watch(result["quoteRequest"]["id"], result["watchToken"]):
            board.show(event)
    return 0


def _client(url: str, token: str) -> Client:
    known: Mapping[str, str] = {}
    if DEMO_FILE.is_file():
        known = _read_demo()
    url, token = url or known.get("url", "http://127.0.0.1:8000/graphql"), token or known.get("token", "")
    if not token:
        raise WrongSetting("--token: needed, for no demo has run here; `osago token` prints one")
    if not url.startswith(("http://", "https://")):
        raise WrongSetting(f"--url: {url}: expected http:// or https://")
    if not token.isascii() or not token.isprintable():
        raise WrongSetting("--token: not one: it has characters that no header may have")
    return Client(url, token)


def _read_demo() -> Mapping[str, str]:
    try:
        return {name: str(value) for name, value in json.loads(DEMO_FILE.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        raise WrongSetting(f"{DEMO_FILE}: cannot be read; `osago demo` writes it anew") from None


def _application(file: Path) -> Mapping[str, Any]:
    """The application; a policy that says nothing else starts in ten days, and a consent without its moment is given now."""
    try:
        application = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongSetting(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise WrongSetting(f"{file}: no JSON: {error}") from None
    if not isinstance(application, dict):
        raise WrongSetting(f"{file}: expected an object, an ApplicationInput")
    application = cast("dict[str, Any]", application)
    if isinstance(application.get("consent"), dict):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        application["consent"] = {"givenAt": now, **application["consent"]}
    return {"startsOn": (date.today() + STARTS_IN).isoformat(), **application}  # noqa: DTZ011 - a day, ten from here
