"""A real Chromium over a real server; where there is none its tests are skipped, in one line."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

SHOTS = Path("build/screenshots")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 30_000
_FOUND = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)

needs_chromium = pytest.mark.skipif(
    _FOUND is None,
    reason="Chromium is not here: apt-get install chromium, or name one in CHROMIUM",
)


@dataclass
class Seen:
    """A page, and all that went wrong in it."""

    page: Page
    wrong: list[str] = field(default_factory=list)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Give a browser that knows nothing of any other."""
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_FOUND)
        yield browser
        await browser.close()


@asynccontextmanager
async def looking(browser: Browser, address: str, **how: object) -> AsyncIterator[Seen]:
    """Give a page of *address* that writes down errors, dialogs and what its policy refused."""
    context = await browser.new_context(base_url=address, **how)  # type: ignore[arg-type]  # Playwright's own options
    seen = Seen(await context.new_page())
    page = seen.page
    page.on("console", lambda it: seen.wrong.append(it.text) if it.type == "error" else None)
    page.on("pageerror", lambda error: seen.wrong.append(str(error)))
    page.on("dialog", lambda dialog: seen.wrong.append(dialog.message))
    try:
        yield seen
    finally:
        await context.close()
