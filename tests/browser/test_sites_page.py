"""The operators' page as a browser shows it: many sites or few, live, by keyboard."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.support.browser import DESKTOP, PHONE, running_chromium, watched_page
from tests.support.conversation import eventually
from tests.support.many_sites import many_sites
from tests.support.running import running_federation

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]

QUICK = {
    "health": {"probes": True, "interval": 0.2, "down_after": 1, "up_after": 1},
    "following": {"interval": 0.05},
}
MARK = "<b id=injected>4</b>"
SHAPES = {
    "desktop": {"viewport": DESKTOP},
    "desktop-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True},
    "phone-dark": {"viewport": PHONE, "is_mobile": True, "color_scheme": "dark"},
}
LUMINANCE = """
element => {
  const seen = node => {
    const colour = getComputedStyle(node).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" && node.parentElement ? seen(node.parentElement) : colour;
  };
  return [getComputedStyle(element).color, seen(element)];
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with running_chromium() as chromium:
        yield chromium


def names_of(count):
    return [f"site-{number:02}" for number in range(count)]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[1, 10, 60])
async def federation(request, tmp_path_factory):
    """A federation of so many sites, of which every tenth is in a downtime."""
    names = names_of(request.param)
    now = datetime.now(UTC)
    span = [now - timedelta(hours=1), now + timedelta(hours=30)]
    downtime = {
        "date_range": " to ".join(moment.isoformat() for moment in span),
        "reason": "cooling",
    }
    async with many_sites() as sites:
        sites.headers[names[0]] = {"Server": MARK}
        sites.delays[names[0]] = 0.12
        async with running_federation(
            tmp_path_factory.mktemp("federation"),
            settings=QUICK,
            entries={name: {"downtime": [downtime]} for name in names[9::10]},
            elsewhere=sites.urls(*names),
        ) as running:
            running.extra |= {"names": names, "many": sites}

            async def all_probed():
                document = await (await running.get("/federation/sites")).json()
                return all(one["health"] == "up" for one in document["sites"])

            await eventually(all_probed, within=30)
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SHAPES)
async def opened(request, browser, federation):
    async with watched_page(browser, **SHAPES[request.param]) as watched:
        await watched.page.goto(federation.url + "/ui/sites")
        await watched.page.locator("#more-site-00").click()
        yield watched
        assert watched.complaints == []
        assert watched.hosts == {"127.0.0.1"}


async def test_every_site_is_there_and_nothing_sticks_out(opened, federation):
    page, names = opened.page, federation.extra["names"]
    rows = page.locator("tbody th[scope=row] .name")
    assert await rows.all_inner_texts() == names
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]
    usable = len(names) - len(names[9::10])
    assert f"{usable} of {len(names)}" in await page.locator("#summary").inner_text()
    assert await page.title() == f"Sites: {usable} of {len(names)} can be asked"


async def test_what_is_written_can_be_read(opened):
    """Contrasts of 4.5 and more, as WCAG 2.2 wants of text (1.4.3)."""
    for selector in (
        *("h1", ".lead", ".live", ".state", "tbody th", "td p", "figure p", "time"),
        *("summary", "dt", "dd", ".drain p", "label", "button", "caption"),
    ):
        element = opened.page.locator(selector).first
        text, ground = map(luminance, await element.evaluate(LUMINANCE))
        lighter, darker = max(text, ground), min(text, ground)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, selector


def luminance(colour):
    """Return the relative luminance of a CSS colour, as WCAG defines it."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_what_sites_say_of_themselves_is_only_text(opened, federation):
    page = opened.page
    assert MARK in await page.locator("#site-site-00").inner_text()
    assert await page.locator("#injected").count() == 0


async def test_labels_stand_beside_what_they_label(opened):
    form = opened.page.locator("#site-site-00 form.drain")
    for name in ("for", "reason"):
        label = await form.locator(f"label[for={name}-site-00]").bounding_box()
        box = await form.locator(f"input[name={name}]").bounding_box()
        assert label["x"] + label["width"] <= box["x"], name
        assert box["y"] <= label["y"] + label["height"] / 2 <= box["y"] + box["height"]


async def test_words_beneath_a_drawing_take_one_line_where_there_is_room(opened):
    drawn = opened.page.locator("#site-site-00 td[data-label=Probes] figure p")
    height = await drawn.evaluate(
        "p => p.offsetHeight / parseFloat(getComputedStyle(p).lineHeight)"
    )
    wide = opened.page.viewport_size["width"] >= 1216
    assert height < (1.5 if wide else 2.5)


async def test_probes_are_drawn(opened):
    drawn = opened.page.locator("#site-site-00 td[data-label=Probes]")
    assert await drawn.locator("polyline").count() == 1
    label = await drawn.locator("svg").get_attribute("aria-label")
    assert re.fullmatch(r"Probes at site-00: median \d+\sms, p95 \d+\sms", label)
