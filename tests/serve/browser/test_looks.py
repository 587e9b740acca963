"""How the page looks: in light and dark, wide and narrow, and to those who do not see it."""

from urllib.parse import quote

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from reconciler.model.status import ControllerStatus, Status
from tests.serve.browser.chromium import SHOTS, looking, needs_chromium
from tests.serve.controls import BACKEND, HOSTILE, FakeEntries, Fleet, fleet, host, many

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.asyncio(loop_scope="module")]

PAGES = {
    "releases": "/",
    "release": f"/releases/{BACKEND}",
    "hosts": "/hosts",
    "host": "/hosts/office-03",
    "jobs": "/jobs",
    "events": "/events",
    "sign-in": "/sign-in",
}
EMPTY = {
    "no-releases": "/",
    "no-hosts": "/hosts",
    "no-jobs": "/jobs",
    "no-events": "/events",
    "no-page": "/relases",
    "no-host": "/hosts/nobody",
}
LOOKS = [
    ("light", 1400),
    ("dark", 360),
    pytest.param("dark", 1400, marks=pytest.mark.slow),
    pytest.param("light", 360, marks=pytest.mark.slow),
]


async def faults(page: Page) -> list[str]:
    """Return what axe-core finds, each with the elements that it means."""
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{fault['id']}: {node['html']}: {node['failureSummary']}"
        for fault in found
        for node in fault["nodes"]
    ]


async def sticks_out(page: Page) -> bool:
    """True when one must scroll sideways to see it all."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_every_page_is_fit_for_everybody(
    browser: Browser, address: str, scheme: str, width: int
) -> None:
    how = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    async with looking(browser, address, **how) as seen:
        for name, path in PAGES.items():
            await seen.page.goto(path)
            assert await faults(seen.page) == [], name
            assert not await sticks_out(seen.page), name
            await seen.page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)

    assert seen.wrong == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_what_is_refused_and_what_is_empty_is_fit_too(
    browser: Browser, seen: Fleet, address: str, scheme: str, width: int
) -> None:
    seen.status = Status(controller=ControllerStatus(revision=None))
    seen.events = FakeEntries()
    how = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    async with looking(browser, address, **how) as looked:
        for name, path in EMPTY.items():
            await looked.page.goto(path)
            assert await faults(looked.page) == [], name
            assert not await sticks_out(looked.page), name
            assert await looked.page.get_by_role("navigation", name="Main").is_visible()
            shot = SHOTS / f"{name}-{width}-{scheme}.png"
            await looked.page.screenshot(path=shot, full_page=True)

    assert [word for word in looked.wrong if "404" not in word] == []


async def test_a_form_that_is_refused_is_fit_too(browser: Browser, address: str) -> None:
    async with looking(browser, address) as looked:
        page = looked.page
        await page.goto(f"/sign-in?next={quote(PAGES['release'])}")
        await page.get_by_label("Token").fill("alices-token")
        await page.get_by_role("button", name="Sign in").click()
        await page.locator("[name=csrf]").evaluate_all("all => all.forEach(it => it.value = 'x')")
        await page.get_by_label("Reason, needed").fill("the disks are slow")
        await page.get_by_role("button", name="Suspend").click()
        await page.get_by_role("heading", name="Forbidden").wait_for()

        assert await faults(page) == []
        assert await page.get_by_text("alice", exact=True).is_visible()
        await page.screenshot(path=SHOTS / "forbidden-1280-light.png", full_page=True)


async def test_the_forms_of_who_has_signed_in_are_fit_too(browser: Browser, address: str) -> None:
    async with looking(browser, address) as seen:
        page = seen.page
        await page.goto(f"/sign-in?next={quote(PAGES['release'])}")
        await page.get_by_label("Token").fill("alices-token")
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", name="Your request").wait_for()

        assert await faults(page) == []
        await page.screenshot(path=SHOTS / "signed-in-1280-light.png", full_page=True)

    assert seen.wrong == []


async def test_dark_is_dark_and_light_is_light(browser: Browser, address: str) -> None:
    shades = []
    for scheme in ("light", "dark"):
        async with looking(browser, address, color_scheme=scheme) as seen:
            await seen.page.goto("/")
            shades.append(await seen.page.evaluate("getComputedStyle(document.body).color"))

    light, dark = (sum(map(int, shade[4:-1].split(","))) for shade in shades)
    assert light + 300 < dark


async def test_ten_thousand_hosts_are_soon_there(
    browser: Browser, seen: Fleet, address: str
) -> None:
    seen.status = fleet(many(10_000)).status
    async with looking(browser, address) as looked:
        for name, path in {"large": "/", "large-hosts": "/hosts?q=pc-09"}.items():
            await looked.page.goto(path)
            took = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
            assert await looked.page.evaluate(took) < 5000
            assert await looked.page.locator("*").count() < 2500
            await looked.page.screenshot(path=SHOTS / f"{name}-1280-light.png", full_page=True)


async def test_what_hosts_and_commits_say_is_shown_and_never_run(
    browser: Browser, seen: Fleet, address: str
) -> None:
    seen.status = fleet([host(HOSTILE, "failed", last_line=HOSTILE, message=HOSTILE)]).status
    async with looking(browser, address) as looked:
        for path in ("/", "/hosts", f"/hosts/{quote(HOSTILE, safe='')}", PAGES["release"]):
            await looked.page.goto(path)
            assert await looked.page.locator("main script, main b:text-is('now')").count() == 0

    assert looked.wrong == []


async def test_on_paper_there_is_nothing_to_press(browser: Browser, address: str) -> None:
    async with looking(browser, address) as seen:
        await seen.page.goto(PAGES["release"])
        await seen.page.emulate_media(media="print")

        assert not await seen.page.get_by_role("navigation", name="Main").is_visible()
        assert await seen.page.get_by_role("heading", name="Waves").is_visible()
        await seen.page.screenshot(path=SHOTS / "release-print.png", full_page=True)
