"""A real Chromium, driven through Node.js and playwright-core: pages in which a test looks and acts."""

import asyncio
import itertools
import json
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUN_S_MAX = 60.0
STOP_S_MAX = 10.0
# Not Playwright's waitForFunction: it evaluates strings inside the page, which the page's policy forbids.
_WAITS = """
const end = Date.now() + 20_000;
while (!(await page.evaluate(args.condition).catch(() => false))) {
  if (Date.now() > end) throw new Error(`never true: ${args.condition}\n${await page.locator('body').innerText()}`);
  await page.waitForTimeout(10);
}
"""
LINE_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A tab. Tabs with the same context share their storage and cookies."""

    browser: "Browser"
    name: str
    context: str
    options: dict[str, Any]

    async def run(self, code: str, **args: Any) -> Any:
        """What this body of an async function returns; it has `page`, of Playwright, and `args`."""
        return await self.browser.run(self, code, args)

    async def open(self, url: str) -> None:
        await self.run("await page.goto(args.url)", url=url)

    async def tab(self) -> "Page":
        """Another tab of the same browser."""
        return Page(self.browser, next(self.browser.names), self.context, {})

    async def click(self, name: str, role: str = "button") -> None:
        await self.run("await page.getByRole(args.role, {name: args.name}).first().click()", role=role, name=name)

    async def type(self, field_id: str, text: str) -> str:
        """Types into an empty field, key by key; what stands in it then."""
        return await self.run(
            "const field = page.locator(`[id='${args.id}']`); await field.fill(''); "
            "await field.pressSequentially(args.text); return field.inputValue()",
            id=field_id,
            text=text,
        )

    async def shows(self, text: str) -> None:
        """Waits until the text can be seen."""
        await self.run("await page.getByText(args.text).first().waitFor()", text=text)

    async def waits(self, condition: str) -> None:
        """Waits until an expression is true in the document."""
        await self.run(_WAITS, condition=condition)

    async def reads(self, expression: str) -> Any:
        """The value of an expression in the document."""
        return await self.run("return page.evaluate(args.expression)", expression=expression)

    async def went_wrong(self) -> list[str]:
        """Errors of scripts and of the page's policy, and addresses of other hosts that were called."""
        return await self.run("return [...page.errors, ...page.outside]")


@dataclass(slots=True)
class Browser:
    """Chromium, as one test has it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    names: Any = field(default_factory=lambda: (f"page-{number}" for number in itertools.count(1)))
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def page(self, **options: Any) -> Page:
        """A tab of a browser that knows nothing yet; options are those of Playwright's contexts."""
        name = next(self.names)
        return Page(self, name, name, options)

    async def run(self, page: Page, code: str, args: dict[str, Any]) -> Any:
        """One step; steps come one after the other."""
        where = {"page": page.name, "context": page.context, "options": page.options}
        line = json.dumps({"id": next(self._ids), **where, "code": code, "args": args})
        self.writer.write(f"{line}\n".encode())
        async with asyncio.timeout(RUN_S_MAX):
            answer = json.loads(await self.reader.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]


@contextmanager
def chromium(folder: Path, executable: str) -> Generator[Path, None, None]:
    """Chromium and its bridge beside the block; the socket where the bridge listens."""
    with tempfile.TemporaryDirectory(prefix="osago-browser-") as short:  # the path of a socket has 107 bytes at most
        socket = Path(short) / "bridge"
        command = ["node", "bridge.mjs", executable, str(socket)]
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == b"listening\n"
                yield socket
            finally:
                process.stdin.close()
                process.wait(timeout=STOP_S_MAX)


@asynccontextmanager
async def driven(socket: Path) -> AsyncGenerator[Browser, None]:
    """That Chromium; the tabs of the block end with it."""
    reader, writer = await asyncio.open_unix_connection(socket, limit=LINE_BYTES_MAX)
    try:
        yield Browser(reader, writer)
    finally:
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()
