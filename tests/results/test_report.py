import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from seat_interp.errors import SeatError
from seat_interp.results.report import write_report

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Headings, figures, links and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.figures, self.links, self.ids = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.links += [given[name] for name in ("src", "href", "xlink:href") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if given.get("role") == "img":
            self.figures.append(given["aria-label"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def plain(study_folder, tmp_path_factory):
    """The page of the study as it is."""
    return write_report(shutil.copytree(study_folder, tmp_path_factory.mktemp("plain") / "run"))


def edit_summary(folder, edit):
    summary = json.loads((folder / "summary.json").read_text())
    edit(summary["rows"])
    (folder / "summary.json").write_text(json.dumps(summary))


def test_page_holds_every_figure_with_its_numbers(plain):
    text = plain.read_text()
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    starts = [
        "Bar chart of the rates",
        *(f"Displacement of {name}" for name in ("unknown", "target", "known", "neighbour", "unverifiable")),
        "Scatter plots",
        "AUROC by layer",
        "Abstention on known prompts",
        "Training curves",
    ]
    for start in starts:
        assert sum(alt.startswith(start) for alt in page.figures) == 1, start
    assert len(page.figures) == len(starts) == page.tags.count("svg")
    assert "<strong>Not found.</strong>" in text  # a random model acts on no direction
    assert len(text.encode()) < 2_000_000


def test_page_needs_nothing_from_elsewhere(plain):
    text = plain.read_text()
    page = Page(text)
    for link in page.links:
        assert link.startswith(("#", "https://arxiv.org/abs/")), link
    assert "@import" not in text
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_same_folder_gives_the_same_bytes(plain):
    first = plain.read_bytes()
    assert write_report(plain.parent).read_bytes() == first


def test_rates_replies_and_steering_are_those_of_the_folder(copy):
    rates = {}

    def edit(rows):
        for number, row in enumerate(rows):  # numbers that stand nowhere else by chance
            row |= {"target_recall": 0.11 + number / 100, "known_recall": 0.21 + number / 100}
            row |= {"over_abstention": 0.31 + number / 100}
            row["abstention"] = {name: 0.41 + number / 100 + at / 10 for at, name in enumerate(row["abstention"])}
            mine = [
                row["target_recall"],
                *row["abstention"].values(),
                row["known_recall"],
                row["over_abstention"],
            ]
            rates[row["arm"]] = [f"{rate:.2f}" for rate in mine]
        rows[0]["steering"]["found"] = True

    edit_summary(copy, edit)
    evil = "<script>alert('x')</script> & \"quotes\""
    path = copy / "full-0" / "records.jsonl"
    records = [json.loads(line) | {"reply": evil} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    text = write_report(copy).read_text()
    for name, mine in {
        "Base": rates["base"],
        "Full fine-tuning": rates["full"],
        "SEAT": rates["seat"],
    }.items():
        (line,) = re.findall(rf"<tr><th scope=\"row\"><span[^>]*></span>{name}</th>(<td>0.*?)</tr>", text)
        assert re.findall(r"<td>(\d\.\d\d)", line) == mine
    assert "script" not in Page(text).tags
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;quotes&#34;" in text
    assert "<strong>Found.</strong>" in text


def test_several_seeds_share_one_row(copy):
    for seed in (1, 2):
        shutil.copytree(copy / "full-0", copy / f"full-{seed}")
    edit_summary(copy, lambda rows: rows.extend([rows[1] | {"seed": 1}, rows[1] | {"seed": 2}]))
    text = write_report(copy).read_text()
    assert "Full fine-tuning<small>3 seeds</small>" in text
    assert "over seeds or over prompts" in text


def test_base_alone_without_steering_has_a_page_too(copy):
    def edit(rows):
        del rows[1:]
        del rows[0]["steering"]

    edit_summary(copy, edit)
    text = write_report(copy).read_text()
    page = Page(text)
    assert page.open == []
    assert not any(alt.startswith("Displacement") for alt in page.figures)
    assert "The steering check was left out" in text


def test_unfinished_folder_writes_nothing(copy):
    (copy / "base" / "records.jsonl").unlink()
    with pytest.raises(SeatError, match="not finished"):
        write_report(copy)
    assert not (copy / "report.html").exists()
