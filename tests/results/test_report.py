import json
import re
import shutil

import numpy as np
import pytest
from html_page import Page

from seat_interp.core.errors import SeatError
from seat_interp.directions.plane import principal_plane
from seat_interp.results import _replies as replies
from seat_interp.results.report import write_report
from seat_interp.studies.run_folder import RunFolder


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
    table = text[text.index('id="table"') : text.index('id="rates"')]
    for name, mine in {
        "Base": rates["base"],
        "Full fine-tuning": rates["full"],
        "SEAT": rates["seat"],
    }.items():
        (line,) = re.findall(rf"<tr><th scope=\"row\"><span[^>]*></span>{name}</th>(<td>0.*?)</tr>", table)
        assert re.findall(r"<td>(\d\.\d\d)", line) == mine
    page = Page(text)
    assert page.scripts == [
        *page.figures[:2],
        "by-layer",
        *page.figures[2:-1],
        "replies-data",
        page.figures[-1],
        "page.js",
    ]
    assert {prompt[4][1] for prompt in page.data["replies-data"]["prompts"]} == {evil}
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


def test_every_reply_is_on_the_page(varied):
    data = Page(write_report(varied).read_text()).data["replies-data"]
    assert data["columns"] == ["Base", "Full fine-tuning", "SEAT"]
    assert data["bases"] == [0, 0, 0]
    columns = [run.records for run in (RunFolder.open(varied).base, *RunFolder.open(varied).runs)]
    expected = {
        (base["set_name"], base["question"]): ([r["label"] for r in rows], [r["reply"] for r in rows])
        for base, *rest in zip(*columns)
        if (rows := [base, *rest])
    }
    found = {
        (data["sets"][number], question): ([data["labels"][label] for label in labels], said)
        for number, question, _, labels, said in data["prompts"]
    }
    assert found == expected


def test_layer_slider_has_the_numbers_of_the_study(varied):
    data = Page(write_report(varied).read_text()).data["by-layer"]
    folder = RunFolder.open(varied)
    assert data["chosen"] == folder.direction.layer
    sets = ["unknown", *(name for name in folder.runs[0].displacement["sets"] if name != "unknown")]
    for layer, lines in enumerate(data["tables"]["moved-at-layer"]):
        expected = [run.displacement["sets"][name][layer] for name in sets for run in folder.runs]
        assert len(lines) == len(expected)
        for (mean, interval, *nulls, orthogonal, beyond), found in zip(lines, expected):
            assert mean == f"{found['mean']:+.2f}"
            assert interval == "{:+.2f} to {:+.2f}".format(*found["interval"])
            assert nulls == ["{:+.2f} to {:+.2f}".format(*band) for band in found["null"].values()]
            assert orthogonal == f"{found['orthogonal']:.2f}"
            outside = all(not low <= found["mean"] <= high for low, high in found["null"].values())
            assert beyond == ("yes" if outside else "no")
    for layer, lines in enumerate(data["tables"]["linear-probe-at-layer"]):
        aurocs = [float(run.displacement["linear_probe_auroc"][layer]) for run in folder.runs]
        assert [line[0] for line in lines] == [f"{auroc:.3f}" for auroc in aurocs]


def test_points_of_the_plane_are_the_prompts_they_say(varied):
    page = Page(write_report(varied).read_text())
    (points,) = (data["points"] for alt, data in page.data.items() if alt.startswith("Scatter plots"))
    replies_data = page.data["replies-data"]
    folder = RunFolder.open(varied)
    models = {"base": folder.base, "full": folder.runs[0], "seat": folder.runs[1]}
    plane = principal_plane(folder.base.activations, {arm: models[arm].activations for arm in ("full", "seat")})
    for column, (arm, run) in enumerate(models.items()):
        mine = [(x, y, replies_data["prompts"][prompt]) for x, y, (prompt, of) in points if of == column]
        drawn, expected = [], []
        for x, y, (number, question, *_, said) in mine:
            drawn.append((x, y))
            rows = [r for r in run.records if r["set_name"] == replies_data["sets"][number]]
            (at,) = (n for n, record in enumerate(rows) if record["question"] == question)
            assert said[column] == rows[at]["reply"]
            expected.append(plane.points[arm][replies_data["sets"][number]][at])
        for axis, sign in ((0, 1), (1, -1)):  # y is counted from the top
            fit = np.polyfit(np.array(expected)[:, axis], np.array(drawn)[:, axis], 1)
            assert fit[0] * sign > 0
            np.testing.assert_allclose(
                np.polyval(fit, np.array(expected)[:, axis]), np.array(drawn)[:, axis], atol=2e-4
            )


def test_large_runs_are_thinned_and_say_so(varied, monkeypatch):
    found = replies.side_by_side(RunFolder.open(varied))
    assert replies.for_page(found).most is None
    monkeypatch.setattr(replies, "MOST_CHARACTERS", 5000)
    thinned = replies.for_page(found, {"known": [3]})
    sizes = [sum(number == prompt[0] for prompt in thinned.data["prompts"]) for number in range(len(found.sets))]
    assert sizes == [4, 4, 4, 5, 4]  # four of each, and the known one that was wanted
    alone = replies.for_page(found).data["prompts"]
    assert 4000 < sum(len(question) + len(text) for _, question, *_, said in alone for text in said) <= 5000
    place = thinned.places["known", 3]
    assert thinned.data["prompts"][place][1] == found.sets["known"][3][0]["question"]
    assert "here are 4 of each set, evenly spaced" in write_report(varied).read_text()


def test_activations_of_other_prompts_are_refused(copy):
    for run in ("base", "full-0", "seat-0"):
        path = copy / run / "records.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(SeatError, match="holds activations of 8 unverifiable prompts, but replies to 7"):
        write_report(copy)
