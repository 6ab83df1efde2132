"""The page in browsers that lack what newer ones have: functions, storages."""

import pytest
from support.browser import Browser
from support.core_app import CoreApps, ask, ends, offers

pytestmark = pytest.mark.processes

NEWER_THAN_SUPPORTED = """
for (const [owner, ...names] of [
  [URL, 'canParse', 'parse'],
  [AbortSignal, 'timeout', 'any'],
  [Array.prototype, 'toSorted', 'toReversed', 'toSpliced', 'with'],
  [Array, 'fromAsync'],
  [Object, 'groupBy'],
  [Map, 'groupBy'],
  [Promise, 'withResolvers', 'try'],
  [String.prototype, 'isWellFormed', 'toWellFormed'],
  [Set.prototype, 'union', 'intersection', 'difference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'],
  [RegExp, 'escape'],
  [Element.prototype, 'checkVisibility', 'togglePopover', 'showPopover'],
  [Document.prototype, 'startViewTransition'],
  [Crypto.prototype, 'randomUUID'],
  [globalThis, 'Iterator', 'structuredClone', 'requestIdleCallback', 'scheduler', 'CloseWatcher', 'URLPattern'],
]) for (const name of names) delete owner[name];
"""
"""Chrome 109, the last of Windows 7 and 8, and Safari of iOS 16 have none of them; randomUUID needs https."""

BLOCKED = """
for (const name of ['localStorage', 'sessionStorage'])
  Object.defineProperty(window, name, {get() { throw new DOMException('blocked', 'SecurityError') }});
"""
MISSING = BLOCKED.replace("throw new DOMException('blocked', 'SecurityError')", "return null")
LOCAL_BLOCKED = BLOCKED.replace(", 'sessionStorage'", "")
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') };"


async def test_older_browsers_and_those_without_storage_show_offers(browser: Browser, core_apps: CoreApps) -> None:
    """Everything works; without a storage it is forgotten at a reload, and that is all."""
    core_app = await core_apps(insurers=("sever", "volga"))
    seen = {}
    for name, lacking in (
        ("older", NEWER_THAN_SUPPORTED),
        ("blocked", BLOCKED),
        ("local blocked", LOCAL_BLOCKED),
        ("missing", MISSING),
        ("full", FULL),
    ):
        page = browser.page()
        await page.run("await page.addInitScript(args.lacking)", lacking=lacking)
        await ask(page, core_app)
        await ends(page)
        seen[name] = (await offers(page), await page.went_wrong())
    assert seen == dict.fromkeys(seen, (["sever", "volga"], []))
