"""Walks through the page: by keyboard, without a script, and while things happen."""

from dataclasses import replace

import pytest
from playwright.async_api import Browser, expect

from reconciler.model.identity import HostName, ReleaseName, Version
from tests.serve.browser.chromium import looking, needs_chromium
from tests.serve.controls import BACKEND, Fleet, fleet, host, told

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.asyncio(loop_scope="module")]

RELEASE = f"/releases/{BACKEND}"


async def test_everything_is_reached_by_keyboard_and_seen_to_be(
    browser: Browser, address: str
) -> None:
    async with looking(browser, address) as seen:
        page = seen.page
        await page.goto("/hosts")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        reached = []
        for _ in range(12):
            await page.keyboard.press("Tab")
            outline = await page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle + ' ' +"
                "getComputedStyle(document.activeElement).outlineWidth"
            )
            assert outline == "solid 3px"
            reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
        assert reached[3] == "Show"
        assert {"proved 12", "failed 1", "office-03"} <= {" ".join(it.split()) for it in reached}

        await page.get_by_label("Name").focus()
        await page.keyboard.type("office")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("table")).to_contain_text("1 to 4 of 4")


async def test_what_happens_is_shown_and_said_while_one_looks(
    browser: Browser, seen: Fleet, address: str
) -> None:
    async with looking(browser, address) as looked:
        page = looked.page
        await page.goto("/hosts?q=office")
        await expect(page.locator("#live")).to_have_attribute("data-on", "")
        link = page.get_by_role("link", name="office-04")
        await link.focus()

        after = [host("office-04", "converged", wave="office"), host("office-09", "running")]
        seen.status = fleet(after).status
        event = replace(next(told()), kind="HostConverged", host=HostName("office-04"))
        seen.events.add(replace(event, release=BACKEND))
        seen.news.notify()

        await expect(page.get_by_role("table")).to_contain_text("office-09")
        await expect(page.get_by_role("status")).to_have_text("office-04: HostConverged")
        await expect(link).to_be_focused()

    assert looked.wrong == []


async def test_all_that_is_told_of_a_release_is_of_the_same_moment(
    browser: Browser, seen: Fleet, address: str
) -> None:
    async with looking(browser, address) as looked:
        page = looked.page
        await page.goto(RELEASE)
        await expect(page.locator("#live")).to_have_attribute("data-on", "")
        backend = replace(seen.status.releases[BACKEND], version=Version("0.44.0"))
        seen.status = replace(seen.status, releases={BACKEND: backend})
        seen.news.notify()

        await expect(page.get_by_role("heading", level=1)).to_have_text("kanade-backend 0.44.0")
        await expect(page.locator("main")).to_contain_text("asks for kanade-backend 0.44.0")


async def test_what_somebody_types_or_unfolds_is_left_alone(
    browser: Browser, seen: Fleet, address: str
) -> None:
    async with looking(browser, address) as looked:
        page = looked.page
        await page.goto("/events")
        await expect(page.locator("#live")).to_have_attribute("data-on", "")
        await page.get_by_text("the plan").click()
        await page.get_by_label("Host").fill("half a na")
        seen.events.add(replace(next(told()), message="something new"))
        seen.news.notify()

        await expect(page.get_by_role("table")).to_contain_text("something new")
        await expect(page.locator("details[open]")).to_contain_text("run on 24 hosts")
        await expect(page.get_by_label("Host")).to_have_value("half a na")
        await expect(page.get_by_label("Host")).to_be_focused()


async def test_what_is_unfolded_stays_so_whatever_its_release_is_called(
    browser: Browser, seen: Fleet, address: str
) -> None:
    dotted = ReleaseName("kanade.backend")
    (log,) = seen.status.logs.values()
    ill = replace(seen.status.hosts[BACKEND, log.host], release=dotted)
    seen.status = replace(
        seen.status,
        releases={dotted: replace(seen.status.releases[BACKEND], name=dotted)},
        hosts={(dotted, log.host): ill},
        logs={(dotted, log.host): replace(log, release=dotted)},
    )
    async with looking(browser, address) as looked:
        page = looked.page
        await page.goto(f"/hosts/{log.host}")
        await expect(page.locator("#live")).to_have_attribute("data-on", "")
        await page.get_by_text("30 lines").click()
        again = replace(ill, message="it has failed again")
        seen.status = replace(seen.status, hosts={(dotted, log.host): again})
        seen.news.notify()

        await expect(page.locator("main")).to_contain_text("it has failed again")
        await expect(page.locator("details[open]")).to_contain_text("INFO")

    assert looked.wrong == []


async def test_without_a_script_one_can_look_sign_in_and_act(
    browser: Browser, seen: Fleet, address: str
) -> None:
    async with looking(browser, address, java_script_enabled=False) as looked:
        page = looked.page
        await page.goto("/")
        await page.get_by_role("link", name="kanade-backend").click()
        await page.get_by_role("main").get_by_role("link", name="Sign in").click()
        await page.get_by_label("Token").fill("alices-token")
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Reason, needed").fill("the disks are slow")
        await page.get_by_label("For").select_option("8 hours")
        await page.get_by_role("button", name="Suspend").click()

        await expect(page.get_by_text("Written down")).to_be_visible()
        await expect(page.get_by_role("banner")).to_contain_text("alice")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()

    assert (seen.book.suspensions[BACKEND].by, seen.book.suspensions[BACKEND].reason) == (
        "alice",
        "the disks are slow",
    )


async def test_no_script_sees_the_session(browser: Browser, address: str) -> None:
    async with looking(browser, address) as looked:
        page = looked.page
        await page.goto("/sign-in")
        await page.get_by_label("Token").fill("alices-token")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("banner")).to_contain_text("alice")

        assert await page.evaluate("document.cookie") == ""
        (cookie,) = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")

    assert looked.wrong == []
