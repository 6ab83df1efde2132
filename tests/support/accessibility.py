"""What axe finds in a page."""

from support.browser import Page


async def violations(page: Page) -> list[str]:
    """By every rule of WCAG 2.2 AA and its best practices."""
    return await page.run(
        "const {source} = (await import('axe-core')).default; await page.evaluate(source); "
        "const {violations} = await page.evaluate('axe.run()'); "
        "return violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 200)}`))"
    )
