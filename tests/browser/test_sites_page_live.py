"""The operators' page while things happen, and by keyboard alone."""

import pytest
import pytest_asyncio

from site_adapters.simulated import SimulatedSite
from tests.support.browser import DESKTOP, PHONE, running_chromium, watched_page
from tests.support.conversation import eventually
from tests.support.many_sites import many_sites
from tests.support.running import running_federation

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]

SETTINGS = {
    "health": {"probes": True, "interval": 0.2, "down_after": 1, "up_after": 1},
    "following": {"interval": 0.05},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with running_chromium() as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="module")
async def federation(tmp_path):
    async with (
        many_sites() as sites,
        running_federation(
            tmp_path,
            SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",)),
            settings=SETTINGS,
            elsewhere=sites.urls("chsrc", "espsrc"),
        ) as running,
    ):
        running.extra["many"] = sites
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def opened(browser, federation):
    async with watched_page(browser, viewport=DESKTOP) as watched:
        await watched.page.goto(federation.url + "/ui/sites")
        await says(watched.page, "#live", "Follows what changes")
        yield watched


async def says(page, selector, words):
    """Wait until an element says ``words``."""
    element = page.locator(selector)

    async def said():
        return words in await element.inner_text()

    await eventually(said, within=20)


async def state_is(page, site, words):
    await says(page, f"#site-{site} td[data-label=State]", words)


async def test_a_site_that_goes_down_is_seen_to_without_a_click(opened, federation):
    await state_is(opened.page, "chsrc", "up")
    federation.extra["many"].statuses["chsrc"] = 503
    await state_is(opened.page, "chsrc", "down")
    await says(opened.page, "#site-chsrc td[data-label='Last answers']", "error 5xx")
    await says(opened.page, "#summary", "2 of 3")
    await says(opened.page, "#news", "chsrc is down: it answered 503")
    federation.extra["many"].statuses.clear()
    await state_is(opened.page, "chsrc", "up")
    assert opened.complaints == []
    assert opened.hosts == {"127.0.0.1"}


async def test_a_site_is_drained_and_undrained_by_keyboard_alone(opened):
    page, press = opened.page, opened.page.keyboard.press
    await state_is(page, "jpsrc", "up")
    await page.locator("body").evaluate("body => body.focus()")
    walked = []
    while walked[-1:] != ["more-jpsrc"]:
        await press("Tab")
        walked.append(await focused(page))
        assert len(walked) < 20, walked
    assert walked == ["", "only-trouble", "more-jpsrc"]
    assert await outline(page) == "solid"
    await press("Enter")
    for name in ("for-jpsrc", "reason-jpsrc"):
        await press("Tab")
        assert await focused(page) == name
    await page.keyboard.type("new racks")
    await press("Tab")
    assert await focused(page) == "do-jpsrc"
    await press("Enter")
    await state_is(page, "jpsrc", "drained")
    await says(page, "#site-jpsrc td[data-label=State]", "new racks")
    await says(page, "#site-jpsrc .drain h3", "End the drain of jpsrc")
    assert await page.locator("#site-jpsrc details").get_attribute("open") is not None
    assert await focused(page) == "do-jpsrc"
    await press("Shift+Tab")
    assert await focused(page) == "reason-jpsrc"
    await page.keyboard.type("racks are in")
    await press("Enter")
    await state_is(page, "jpsrc", "up")
    assert opened.complaints == []


async def focused(page):
    return await page.evaluate("document.activeElement.id")


async def outline(page):
    return await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")


async def test_what_is_being_filled_in_is_left_alone(opened, federation):
    page = opened.page
    await page.locator("#more-espsrc").click()
    await page.locator("#reason-espsrc").fill("half a rea")
    federation.extra["many"].statuses["espsrc"] = 503
    await state_is(page, "espsrc", "down")
    assert await page.locator("#reason-espsrc").input_value() == "half a rea"
    assert await focused(page) == "reason-espsrc"


async def test_a_refusal_is_told_where_it_was_asked(opened):
    page = opened.page
    await page.locator("#more-jpsrc").click()
    await page.locator("#for-jpsrc").fill("a while")
    await page.locator("#reason-jpsrc").fill("x")
    await page.locator("#do-jpsrc").click()
    await says(page, "#site-jpsrc output", "for should be a length of time such as 2h")
    assert [c for c in opened.complaints if "422" not in c] == []


async def test_only_those_with_trouble(opened, federation):
    page = opened.page
    federation.extra["many"].statuses["chsrc"] = 503
    await state_is(page, "chsrc", "down")
    await page.locator("#only-trouble").check()
    shown = page.locator("tbody:visible .name")
    assert await shown.all_inner_texts() == ["chsrc"]


async def test_a_service_that_is_away_is_told_and_found_again(browser, tmp_path):
    """The page is not thrown away: it goes on where it was."""
    settings = {**SETTINGS, "following": {"interval": 0.05, "longest_stream": 0.3}}
    async with (
        many_sites() as sites,
        running_federation(
            tmp_path, settings=settings, elsewhere=sites.urls("chsrc")
        ) as running,
        watched_page(browser, viewport=PHONE) as watched,
    ):
        await watched.page.goto(running.url + "/ui/sites")
        await state_is(watched.page, "chsrc", "up")
        streams = [url for url in watched.asked if url.endswith("/events")]

        async def opened_again():
            found = [url for url in watched.asked if url.endswith("/events")]
            return len(found) > len(streams) + 1

        await eventually(opened_again)
        sites.statuses["chsrc"] = 503
        await state_is(watched.page, "chsrc", "down")
        assert watched.complaints == []
        await watched.page.context.set_offline(True)
        await says(watched.page, "#live", "does not answer")
        await watched.page.context.set_offline(False)
        await says(watched.page, "#live", "Follows what changes")


async def test_without_javascript_everything_is_there_too(browser, federation):
    async with watched_page(browser, java_script_enabled=False) as watched:
        await watched.page.goto(federation.url + "/ui/sites")
        assert await watched.page.locator("tbody").count() == 3
        assert "load it again" in await watched.page.locator("noscript").inner_text()
        await watched.page.locator("#more-jpsrc").click()
        assert await watched.page.locator("#site-jpsrc dl").is_visible()
        assert watched.complaints == []


async def test_the_first_page_leads_to_the_others(browser, federation):
    async with watched_page(browser) as watched:
        await watched.page.goto(federation.url + "/")
        await watched.page.get_by_role("link", name="Sites", exact=True).click()
        await watched.page.wait_for_url("**/ui/sites")
        await watched.page.get_by_role("link", name="Meta-broker").click()
        await watched.page.get_by_role("link", name="API", exact=True).click()
        await watched.page.wait_for_url("**/docs")
        assert watched.hosts == {"127.0.0.1"}
        assert [c for c in watched.complaints if "favicon" not in c] == []
