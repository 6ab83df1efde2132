"""Tables of the documents that are made from the code: `python -m cli.docs_tables` writes them anew (`make docs`)."""

from pathlib import Path
from typing import Final

from app.api.error_codes import BAD_REQUEST, INTERNAL, MEANINGS
from app.api.graphql_errors import INTERNAL_MESSAGE, MESSAGES

DOCUMENT: Final = Path("docs/integration.md")
BEGIN: Final = "<!-- made from the code by `make docs` -->\n"
END: Final = "<!-- until here -->\n"


def errors_table() -> str:
    """The codes of errors, with what customers read."""
    messages = {**MESSAGES, BAD_REQUEST: "–", INTERNAL: INTERNAL_MESSAGE}
    rows = [f"| `{code}` | {it.what} | {it.remedy} | {messages[code]} |\n" for code, it in MEANINGS.items()]
    return "| code | what it means | what to do | message |\n|---|---|---|---|\n" + "".join(rows)


def renewed(text: str) -> str:
    """The document with the table as the code has it."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + errors_table() + END + after


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
