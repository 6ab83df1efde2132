"""Keeps a sender's book, from outside: python imports this module when it is on PYTHONPATH.

SENDERS_BOOK names a folder. Each process appends a line to a file of its own there whenever aiohttp writes the head of a
request: `POST` or `GET`, and the monotonic moment, which all processes of a machine share. What the network or a busy
receiver makes of it later is not in there.
"""

import os
import time
from pathlib import Path
from typing import Any

_FOLDER = os.environ.get("SENDERS_BOOK")


def _keep_book(folder: str) -> None:
    from aiohttp.http_writer import StreamWriter  # noqa: PLC0415 - only where a book is kept

    book = (Path(folder) / str(os.getpid())).open("a", encoding="ascii", buffering=1)
    write, writelines = StreamWriter._write, StreamWriter._writelines

    def note(head: Any) -> None:
        method = bytes(head[:4]).decode("latin-1").strip()
        if method in {"POST", "GET"}:
            book.write(f"{method} {time.monotonic():.6f}\n")

    def written(self: StreamWriter, chunk: Any) -> None:
        note(chunk)
        write(self, chunk)

    def written_lines(self: StreamWriter, chunks: Any) -> None:
        kept = tuple(chunks)
        note(kept[0])
        writelines(self, kept)

    StreamWriter._write = written
    StreamWriter._writelines = written_lines


if _FOLDER:
    _keep_book(_FOLDER)
