"""`osago documents own`: the documents that this release's own clients send, as a file of trusted ones."""

import json
import re
from pathlib import Path
from typing import Final

import sandbox.core_app
from app.api.execution.document_files import sha256_of
from cli.quote import aggregator_client
from sandbox.core_app import graphql_documents

_PAGE: Final = Path(sandbox.core_app.__file__).parent / "static" / "page.js"
_SUBSCRIPTION: Final = re.compile(r"`(\s*subscription [^`]*)`")


def print_own_documents() -> None:
    """Prints those of `osago quote`, of core-app and of its page."""
    own = {sha256_of(text): text for text in own_documents()}
    print(json.dumps(own, ensure_ascii=False, indent=2))


def own_documents() -> list[str]:
    """Each as it is sent."""
    page = _SUBSCRIPTION.findall(_PAGE.read_text(encoding="utf-8"))
    core_app = (graphql_documents.CREATE, graphql_documents.INSURERS, graphql_documents.LOOK)
    return [aggregator_client.CREATE, aggregator_client.WATCH, *core_app, *page]
