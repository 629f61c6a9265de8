"""The page in a real browser: it loads in silence, asks nobody for anything, plays, sorts, prints and fits."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, opened
from results import result

from stereo3d.visual.page.build import write

PLACE = "return +document.querySelector('input[type=range]').value"
STATE = "return document.querySelector('.state').textContent"
COLUMN = "return [...document.querySelectorAll('#joints tbody tr')].map(row => +row.cells[1].dataset.key)"
PICTURE = "return document.querySelector('canvas').toDataURL()"
FRAMES = "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
PRESS = """document.querySelector('canvas').dispatchEvent(
    new KeyboardEvent('keydown', {key: '%s', bubbles: true, cancelable: true, shiftKey: %s}))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    poses, truth = result()
    return write(poses, tmp_path_factory.mktemp("page") / "page.html", truth=truth)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as started:
        yield started


@pytest.fixture(autouse=True)
def fresh(browser: Browser, page: Path) -> None:
    browser.emulate(1200)
    browser.open(page)


def press(browser: Browser, key: str, shift: str = "false") -> int:
    browser.run(PRESS % (key, shift))
    return int(browser.run(PLACE))


def test_it_loads_in_silence_and_asks_for_nothing(browser: Browser) -> None:
    browser.run(FRAMES)
    assert browser.run(STATE).startswith("0:00.00 · frame 0 · ")
    assert browser.log() == [] and browser.requested() == set()


def test_its_policy_keeps_foreign_script_style_and_pictures_out(browser: Browser) -> None:
    browser.run("""const add = (name, set) => document.body.append(Object.assign(document.createElement(name), set));
        add('script', {textContent: 'window.foreign = 1'}); add('style', {textContent: 'h1 { color: red }'});
        add('img', {src: 'http://127.0.0.1:9/picture'}); document.querySelector('h1').setAttribute('onclick', 'foreign = 2');
        document.querySelector('h1').click()""")
    browser.run(FRAMES)
    assert browser.run("return window.foreign ?? 0") == 0
    assert browser.run("return getComputedStyle(document.querySelector('h1')).color") != "rgb(255, 0, 0)"
    assert len([line for line in browser.log() if "Content Security Policy" in line]) >= 4


def test_the_player_plays_and_pauses(browser: Browser) -> None:
    begin = browser.run(PICTURE)
    browser.run("document.querySelector('.play').click()")
    assert browser.run("return document.querySelector('.play').textContent") == "Pause"
    browser.run("return new Promise(done => setTimeout(done, 500))")
    browser.run("document.querySelector('.play').click()")
    at = browser.run(PLACE)
    assert 3 < at < 60
    browser.run(FRAMES)
    assert browser.run(PLACE) == at and browser.run(PICTURE) != begin


def test_keys_move_it(browser: Browser) -> None:
    assert [press(browser, "ArrowRight"), press(browser, "ArrowRight", "true"), press(browser, "ArrowLeft")] == [1, 31, 30]
    assert [press(browser, "End"), press(browser, "ArrowRight"), press(browser, "Home"), press(browser, "ArrowLeft")] == [89, 89, 0, 0]
    press(browser, " ")
    assert browser.run("return document.querySelector('.play').textContent") == "Pause"


def test_a_drag_turns_it_and_a_button_turns_it_back(browser: Browser) -> None:
    begin = browser.run(PICTURE)
    browser.run("""const c = document.querySelector('canvas'); c.setPointerCapture = () => {};
        const send = (kind, x, y) => c.dispatchEvent(new PointerEvent(kind, {pointerId: 1, clientX: x, clientY: y}));
        send('pointerdown', 300, 300); send('pointermove', 380, 320); send('pointerup', 380, 320)""")
    browser.run(FRAMES)
    turned = browser.run(PICTURE)
    browser.run("document.querySelector('[data-view=front]').click()")
    browser.run(FRAMES)
    assert turned != begin and browser.run(PICTURE) == begin


def test_a_worst_moment_and_a_click_in_a_chart_open_the_player_there(browser: Browser) -> None:
    wanted = float(browser.run("return document.querySelector('.seek').dataset.time"))
    browser.run("document.querySelector('.seek').click()")
    assert browser.run(PLACE) == pytest.approx(wanted * 30, abs=0.5)
    browser.run("""const chart = document.querySelector('.timed'), box = chart.querySelector('svg').getBoundingClientRect();
        chart.dispatchEvent(new MouseEvent('click', {clientX: box.left + box.width / 2, clientY: box.top + 5, bubbles: true}))""")
    assert browser.run(PLACE) == pytest.approx(44.5, abs=1)


def test_a_heading_sorts_its_table_both_ways(browser: Browser) -> None:
    click = "document.querySelectorAll('#joints thead th')[1].querySelector('button').click()"
    before = browser.run(COLUMN)
    browser.run(click)
    assert browser.run(COLUMN) == sorted(before, reverse=True)
    browser.run(click)
    assert browser.run(COLUMN) == sorted(before) and before != sorted(before)
    browser.run("document.querySelectorAll('#joints thead th')[0].querySelector('button').click()")
    names = browser.run("return [...document.querySelectorAll('#joints tbody th')].map(c => c.textContent)")
    assert names == sorted(names)


@pytest.mark.parametrize("width", [320, 390, 768, 1600])
def test_nothing_sticks_out_at_the_side(browser: Browser, page: Path, width: int) -> None:
    browser.emulate(width)
    browser.open(page)
    assert browser.run("return document.documentElement.scrollWidth") <= width


def luminance(browser: Browser, element: str, name: str) -> float:
    colour = browser.run(f"return getComputedStyle(document.querySelector('{element}')).{name}")
    r, g, b = (int(x) / 255 for x in colour.removeprefix("rgb(").rstrip(")").split(","))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (r, g, b)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("dark", "media"), [(False, ""), (True, ""), (True, "print")])
def test_words_stand_out_in_light_dark_and_print(browser: Browser, page: Path, dark: bool, media: str) -> None:
    browser.emulate(1200, dark=dark, media=media)
    browser.open(page)
    ground = luminance(browser, "#verdict", "backgroundColor")
    assert (ground < 0.05) == (dark and not media)
    for element in ("#verdict h2", ".share", ".tiles dt", ".hint", "figcaption b", "nav a"):
        ink = luminance(browser, element, "color")
        assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) >= 4.5, element


def test_it_prints_on_a_few_sheets_without_its_buttons(browser: Browser) -> None:
    pdf = browser.print()
    assert pdf.startswith(b"%PDF") and 3 <= pdf.count(b"/Type /Page\n") <= 14
    browser.emulate(800, media="print")
    assert not browser.run("return document.querySelector('.controls').checkVisibility()")
    assert browser.run("return document.querySelector('canvas').checkVisibility()")


def test_what_is_folded_is_printed_and_the_player_keeps_its_shape(browser: Browser) -> None:
    folded = "return [...document.querySelectorAll('details')].map(d => d.open)"
    assert set(browser.run(folded)) == {False}
    browser.print()
    assert set(browser.run(folded)) == {True}
    browser.emulate(800, media="print")
    assert browser.run("return getComputedStyle(document.querySelector('canvas')).objectFit") == "contain"


def test_every_check_is_told_by_a_mark_and_in_words(browser: Browser) -> None:
    marks = browser.run("return [...document.querySelectorAll('.checks li')].map(li => [li.querySelector('.mark').textContent, li.textContent])")
    assert len(marks) == 4
    assert all({"✓": "passed: ", "!": "failed: ", "?": "not told: "}[mark] in told for mark, told in marks)
    width = browser.run("return document.querySelector('.checks .unseen').getBoundingClientRect().width")
    assert width <= 1, "heard, not seen"


def test_a_link_leads_to_each_section(browser: Browser) -> None:
    assert browser.run("return [...document.querySelectorAll('nav a')].map(a => !!document.querySelector(a.hash))") == [True] * 10


def test_the_canvas_is_drawn_on(browser: Browser) -> None:
    browser.run(FRAMES)
    png = base64.b64decode(browser.run(PICTURE).split(",")[1])
    assert len(png) > 5000
