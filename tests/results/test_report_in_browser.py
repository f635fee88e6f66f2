"""The pages in headless Chromium: nothing is fetched, controls work, and every width, theme and printer is served.

Run by `make test-browser`; the browser is the system's, or the one that CHROMIUM names.
"""

import json
import os
import shutil
from collections import Counter
from itertools import pairwise

import pytest

from seat_interp.results.comparison import write_comparison
from seat_interp.results.report import write_report
from seat_interp.studies.run_folder import RunFolder

playwright = pytest.importorskip("playwright.sync_api", reason='needs playwright: pip install -e ".[browser]"')
pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TEXTS = """() => [...document.querySelectorAll("body *")].flatMap((element) => {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const field = element.matches("input, select, button");
  if (!(own || field) || element.closest("svg, script, option, .unseen") || !element.checkVisibility()) return [];
  let behind = element;
  while (behind && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const back = behind ? getComputedStyle(behind).backgroundColor : "rgb(255, 255, 255)";
  return [[element.tagName + "." + element.className, getComputedStyle(element).color, back]];
})"""


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("There is no Chromium: install the system's package, or name one in CHROMIUM.")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(varied, tmp_path_factory):
    """Both pages by name."""
    other = shutil.copytree(varied, tmp_path_factory.mktemp("other") / "other")
    return {
        "report": write_report(varied),
        "comparison": write_comparison([varied, other], other.parent / "compare.html"),
    }


@pytest.fixture
def visit(browser, pages):
    """Open a page by name or path; at the end it must have said nothing and asked for nothing."""
    contexts, said, asked = [], [], []

    def go(page, width=1280, **settings):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **settings))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(pages.get(page, page).as_uri())
        return tab

    yield go
    for context in contexts:
        context.close()
    assert said == []
    assert len(asked) == len(contexts)
    assert all(url.startswith("file://") and url.endswith(".html") for url in asked)


BOTH = pytest.mark.parametrize("name", ["report", "comparison"])


@BOTH
def test_opens_without_an_error_or_a_request(visit, name):
    tab = visit(name)
    assert tab.title().endswith("seat_interp")
    assert tab.locator("#found tr").count() == 25
    assert tab.evaluate("document.querySelectorAll('b').length") == 0  # of the replies' markup
    assert tab.evaluate("document.scripts.length") == tab.locator(".plot").count() + (3 if name == "report" else 2)


@BOTH
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_fits_the_width(visit, name, width):
    tab = visit(name, width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    first = tab.locator(".plot").first
    first.focus()
    for _ in range(3):
        first.press("End")
        box = tab.locator("#tip").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_layer_slider_shows_the_numbers_of_each_layer(visit, varied):
    tab = visit("report")
    folder = RunFolder.open(varied)
    slider, shown = tab.get_by_label("Layer", exact=True), tab.locator("#layer-shown")
    chosen = folder.direction.layer
    assert slider.input_value() == str(chosen)
    slider.focus()
    slider.press("Home")
    places = []
    for layer in range(len(folder.direction.separation)):
        assert shown.inner_text() == (f"{layer}, where the direction was chosen" if layer == chosen else str(layer))
        for name, place in (("unknown", 0), ("target", 1)):
            for run, line in zip(folder.runs, (1, 2)):
                cells = tab.locator(f"#moved-at-layer tbody:nth-of-type({place + 1}) tr").nth(line).locator("td")
                found = run.displacement["sets"][name][layer]
                expected = [f"{found['mean']:+.2f}", "{:+.2f} to {:+.2f}".format(*found["interval"])]
                expected += ["{:+.2f} to {:+.2f}".format(*band) for band in found["null"].values()]
                assert cells.all_inner_texts()[:5] == expected
                assert cells.nth(5).inner_text() == f"{found['orthogonal']:.2f}"
        aurocs = tab.locator("#linear-probe-at-layer td:nth-of-type(1)").all_inner_texts()
        assert aurocs == [f"{run.displacement['linear_probe_auroc'][layer]:.3f}" for run in folder.runs]
        boxes = [line.bounding_box() for line in tab.locator(".layer-line").all()]
        assert len(boxes) == 5
        places.append(boxes[0]["x"])
        slider.press("ArrowRight")
    steps = [after - before for before, after in pairwise(places)]
    assert min(steps) > 50
    assert max(steps) - min(steps) < 1


def test_line_of_the_layer_is_where_the_figure_has_that_layer(visit, varied):
    """The grey band of the chosen layer, which matplotlib drew, is under the line that the page drew."""
    tab = visit("report")
    band = tab.locator("#moved-unknown-figure_1 path[style*='stroke: #dcdcdc']").first.bounding_box()
    line = tab.locator(".layer-line").first.bounding_box()
    assert abs(band["x"] + band["width"] / 2 - line["x"] - line["width"] / 2) < 1.5
    assert abs(band["y"] - line["y"]) < 4
    assert abs(band["height"] - line["height"]) < 8


def side_by_side(folder):
    return list(zip(*(run.records for run in (folder.base, *folder.runs))))


def count(tab):
    return int(tab.locator("#count").inner_text().split(" of ")[0])


def test_filters_and_search_find_what_the_records_hold(visit, varied):
    tab, prompts = visit("report"), side_by_side(RunFolder.open(varied))
    assert tab.locator("#count").inner_text() == f"{len(prompts)} of {len(prompts)} prompts"

    def options(menu, column):
        """Texts and values of what can be chosen for a column."""
        found = tab.locator(f"{menu} optgroup[label='{column}'] option").all()
        return {each.inner_text(): each.get_attribute("value") for each in found}

    tab.locator("#of-set").select_option(label="known")
    assert count(tab) == sum(base["set_name"] == "known" for base, *_ in prompts)
    labels = Counter(full["label"] for _, full, _ in prompts)
    offered = options("#of-label", "Full fine-tuning")
    assert set(offered) == {f"{label} ({n})" for label, n in labels.items()}
    tab.locator("#of-label").select_option(value=offered[f"abstain ({labels['abstain']})"])
    expected = sum(base["set_name"] == "known" and full["label"] == "abstain" for base, full, _ in prompts)
    assert 0 < count(tab) == expected < labels["abstain"]
    tab.get_by_role("button", name="Clear").click()
    tab.wait_for_function("document.getElementById('count').textContent.startsWith('38 ')")

    for column, name in ((1, "Full fine-tuning"), (2, "SEAT")):
        pairs = Counter((prompt[0]["label"], prompt[column]["label"]) for prompt in prompts)
        changes = {f"{before}, then {after}": n for (before, after), n in pairs.items() if before != after}
        changes["any change"] = sum(changes.values())
        offered = options("#of-change", name)
        assert set(offered) == {f"{change} ({n})" for change, n in changes.items()}
        for change, n in changes.items():
            tab.locator("#of-change").select_option(value=offered[f"{change} ({n})"])
            assert count(tab) == n > 0
    tab.get_by_role("button", name="Clear").click()

    search = tab.get_by_label("Words in question, answer or reply")
    for words in ("una a", "REPLY 3 OF FULL", "</script>", "in Riga.", "nothing of the kind"):
        search.fill(words)
        expected = [
            base["question"]
            for base, *rest in prompts
            if words.lower()
            in "\n".join([base["question"], base["answer"], *(r["reply"] for r in (base, *rest))]).lower()
        ]
        assert count(tab) == len(expected)
        while tab.locator("#more").is_visible():
            tab.locator("#more").click()
        assert sorted(q.split("\n")[1] for q in tab.locator("#found td:first-child").all_inner_texts()) == sorted(
            expected
        )


def test_replies_beside_a_question_are_its_own(visit, varied):
    tab, prompts = visit("report"), side_by_side(RunFolder.open(varied))
    base, full, seat = next(p for p in prompts if p[0]["set_name"] == "known")
    tab.get_by_label("Words in question, answer or reply").fill(base["question"])
    cells = tab.locator("#found tr").first.locator("td").all_inner_texts()
    assert base["question"] in cells[0]
    assert f"Right: {base['answer']}" in cells[0]
    for cell, record in zip(cells[1:], (base, full, seat)):
        assert cell.split("\n") == [record["label"], record["reply"]]


def test_ten_thousand_prompts_are_added_as_they_are_asked_for(visit, varied, tmp_path):
    big = shutil.copytree(varied, tmp_path / "big")
    for run in ("base", "full-0", "seat-0"):
        row = {"arm": run, "seed": 0, "set_name": "paraphrases", "answer": "", "entity_naming": False, "rouge1": None}
        rows = (row | {"question": f"Question {n}?", "reply": f"R{n}", "label": "wrong"} for n in range(10_000))
        with (big / run / "records.jsonl").open("a") as file:
            file.writelines(json.dumps(each) + "\n" for each in rows)
    tab = visit(write_report(big))
    assert tab.locator("#found tr").count() == 25
    tab.locator("#more").click()
    assert tab.locator("#found tr").count() == 50
    tab.locator("#of-text").fill("question 99")
    assert count(tab) == 1 + 10 + 100
    assert (big / "report.html").stat().st_size < 5_000_000


@BOTH
def test_figures_tell_their_values_to_pointer_and_keyboard(visit, name, varied):
    tab = visit(name)
    tip = tab.locator("#tip")
    for number in range(tab.locator(".plot").count()):
        plot = tab.locator(".plot").nth(number)
        points = json.loads(plot.locator("script").text_content())["points"]
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        tab.mouse.move(box["x"] + points[0][0] * box["width"], box["y"] + points[0][1] * box["height"])
        assert tip.is_visible()
        tab.mouse.move(5, 5)
        assert tip.is_hidden()
        plot.focus()
        plot.press("End")
        last = tip.inner_text()
        assert tab.locator("[aria-live=polite].unseen").text_content() == last
        plot.press("Home")
        assert tip.inner_text() != last
        plot.press("ArrowRight")
        plot.press("ArrowLeft")
        ring = plot.locator(".ring").bounding_box()
        box = plot.bounding_box()
        assert abs(ring["x"] + 8 - box["x"] - points[0][0] * box["width"]) < 1.5
        assert abs(ring["y"] + 8 - box["y"] - points[0][1] * box["height"]) < 1.5
        plot.press("Escape")
        assert tip.is_hidden()


def test_a_point_of_the_plane_tells_its_prompt_and_reply(visit, varied):
    tab = visit("report")
    plot = tab.locator(".plot", has=tab.locator("[aria-label^='Scatter plots']"))
    plot.focus()
    plot.press("End")
    last = RunFolder.open(varied).runs[1]
    probe = list(last.activations)[-1]  # the last of the last model's sets
    told = {
        f"{probe}: {r['question']}\nSEAT, {r['label']}: {r['reply']}" for r in last.records if r["set_name"] == probe
    }
    assert tab.locator("#tip").inner_text() in told


def test_values_of_bars_are_where_the_bars_are(visit):
    """A bar's top, which matplotlib drew, is where the page says its value stands."""
    tab = visit("report")
    plot = tab.locator(".plot").first
    points = json.loads(plot.locator("script").text_content())["points"]
    box = plot.bounding_box()
    bars = [bar.bounding_box() for bar in plot.locator("path[style*='#0072b2']").all()]  # SEAT's; the legend's is one
    tops = {(round(bar["x"] + bar["width"] / 2 - box["x"]), round(bar["y"] - box["y"])) for bar in bars}
    mine = [point for point in points if point[2].startswith("SEAT")]
    for x, y, _ in mine:
        across, down = x * box["width"], y * box["height"]
        assert any(abs(across - left) <= 2 and abs(down - top) <= 2 for left, top in tops), (across, down, tops)


def test_everything_can_be_reached_with_the_keyboard(visit):
    tab = visit("report")
    reached = set()
    for _ in range(80):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"theme", "layer", "of-set", "of-label", "of-change", "of-text", "plot", "scroll"} <= reached


def brightness(colour):
    channels = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """As in WCAG 2."""
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes_can_be_read_and_switched(visit, name, scheme):
    tab = visit(name, color_scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    def page_colour():
        return tab.evaluate("getComputedStyle(document.body).backgroundColor")

    other = {"light": "dark", "dark": "light"}[scheme]
    seen = {}
    for theme in (scheme, other):
        seen[theme] = brightness(page_colour())
        tab.locator(".plot").first.focus()
        tab.locator(".plot").first.press("Home")  # the tip can be read too
        texts = tab.evaluate(TEXTS)
        assert len(texts) > 200
        assert [each for each in texts if contrast(*each[1:]) < 4.5] == []
        tab.get_by_role("button", name="page").click()
    assert seen["dark"] < 0.05 < 0.8 < seen["light"]
    assert brightness(page_colour()) == seen[scheme]


@BOTH
def test_print_has_the_static_parts_on_white(visit, name):
    tab = visit(name, 720, color_scheme="dark")  # A4 without its margins
    examples = tab.locator(".static details")
    assert examples.count() == 5
    assert not examples.first.is_visible()
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 720
    assert tab.locator("#filters").is_hidden()
    assert tab.get_by_role("button", name="page").is_hidden()
    for each in examples.all():
        assert each.locator("td").first.is_visible()  # in closed ones too
    assert tab.locator("figure svg").first.is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert [each for each in tab.evaluate(TEXTS) if contrast(*each[1:]) < 4.5] == []


@BOTH
def test_without_a_script_the_page_shows_what_it_can(visit, name):
    tab = visit(name, java_script_enabled=False)
    for control in ("#theme", "#filters", ".slider"):
        assert all(each.is_hidden() for each in tab.locator(control).all())
    assert tab.locator(".static td").first.is_visible()
    assert tab.locator("table.numbers td").first.is_visible()
    assert tab.locator("figure svg").first.is_visible()
