"""core-app before a whole aggregator, and what a customer does there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from support.browser import Page
from support.world import ApiAtHand, World


@dataclass(frozen=True, slots=True)
class CoreApp:
    """core-app, an API, insurers and a worker."""

    world: World
    api: ApiAtHand
    url: str

    def keeps_thinking(self, *insurers: str, behaviour: Any) -> None:
        """These insurers behave so until `go_on`."""
        for insurer in insurers:
            self.world.sandbox.set_mode(insurer, behaviour)

    def go_on(self, *insurers: str) -> None:
        for insurer in insurers:
            self.world.sandbox.set_mode(insurer, None)


ACCEPTED = "location.hash.length > 10"
SENT_MAX = 10

CoreApps = Callable[..., Awaitable[CoreApp]]


async def ask(page: Page, core_app: CoreApp) -> None:
    """Opens the page, fills in the example, sends it."""
    await page.open(core_app.url)
    await page.click("Заполнить примером")
    await send(page)


async def send(page: Page) -> None:
    """Sends the form, and once more where the page asks for it: on a busy machine a second is soon over."""
    await page.click("Узнать цены")
    for _ in range(SENT_MAX):
        await page.waits(f"{ACCEPTED} || document.querySelector('[role=alert]').innerText")
        if await page.reads(ACCEPTED):
            return
        await page.click("Отправить ещё раз")
    raise AssertionError("never accepted")


async def ask_again(page: Page) -> None:
    """Has the same application sent once more, again and again while the page says that core-app or the aggregator is too slow."""
    first = await page.reads("location.hash")
    is_another = f"location.hash !== '{first}'"
    for _ in range(SENT_MAX):
        await page.click("Запросить снова")
        await page.waits(f"{is_another} || document.querySelector('.notice--wrong')")
        if await page.reads(is_another):
            return
    raise AssertionError("never accepted")


async def sent(page: Page) -> dict[str, Any]:
    """Sends the form; the application that goes out."""
    await page.run(
        "page.sent = page.waitForRequest('**/applications').then((request) => request.postDataJSON()); "
        "page.sent.catch(() => {})"
    )
    await send(page)
    return (await page.run("return page.sent"))["application"]


async def refused(page: Page, fields: str) -> None:
    """Sends the form, and once more where the aggregator was too slow; waits until so many fields are said to be wrong."""
    await page.click("Узнать цены")
    for _ in range(SENT_MAX):
        await page.waits("document.querySelector('[role=alert]').innerText")
        if await page.reads("Boolean(document.querySelector('.field__problem'))"):
            await page.shows(f"Проверьте {fields}")
            return
        await page.click("Отправить ещё раз")
    raise AssertionError("never refused")


async def offers(page: Page) -> list[str]:
    """The insurers that offer, as the customer sees them, from the top."""
    return await page.reads("[...document.querySelectorAll('.offer[data-insurer]')].map((one) => one.dataset.insurer)")


async def refusals(page: Page) -> dict[str, str]:
    """What the quiet list says of each insurer."""
    return await page.reads(
        "Object.fromEntries([...document.querySelectorAll('.refusals [data-insurer]')]"
        ".map((one) => [one.dataset.insurer, one.innerText]))"
    )


async def has_offers(page: Page, count: int) -> None:
    """Waits for so many."""
    await page.waits(f"document.querySelectorAll('.offer[data-insurer]').length === {count}")


async def ends(page: Page) -> None:
    """Waits until no insurer is awaited any more."""
    await page.waits("location.hash.length > 10 && !document.querySelector('.progress')")
