import pytest
from rows import row, summary

from seat_interp.results.tables import arms_table, print_summary
from seat_interp.results.verdict import _fate, verdict
from seat_interp.studies.aggregate import aggregate

BASE = row("base", unknown=0.99)
LOST = row("full", target=1.0, unknown=0.02, known=0.49, moved=-0.91, band=(-0.12, 0.13))
KEPT = row("seat", target=0.98, unknown=0.93, over=0.2, moved=-0.3)


def test_loss_and_keeping_are_said_with_their_numbers():
    headline = verdict(summary(BASE, LOST, KEPT)).headline
    assert headline.startswith("Full fine-tuning took abstention on unknown prompts from 0.99 to 0.02 and moved")
    assert "-0.91 separations" in headline
    assert "(widest null: PCA -0.60 to 0.60)" in headline
    assert headline.endswith("SEAT kept it at 0.93.")


def test_no_effect_is_said_to_be_none():
    unmoved = row("full", target=1.0, unknown=0.97, moved=-0.05)
    found = verdict(summary(BASE, unmoved))
    assert found.headline.startswith("No arm lost abstention")
    assert "-0.05 separations along the ignorance direction, which is not beyond every null" in found.details[0]


def test_beyond_one_null_is_not_beyond_all():
    moved = row("full", target=1.0, unknown=0.2, moved=-0.3)  # outside random (-0.1 to 0.1) and shuffled, inside PCA
    assert "not beyond every null (random -0.10 to 0.10, shuffled -0.20 to 0.20, PCA -0.60 to 0.60)" in str(
        verdict(summary(BASE, moved))
    )


def test_a_base_that_never_abstains_has_nothing_to_lose():
    assert "little to lose" in verdict(summary(row("base", unknown=0.05), row("full", unknown=0.0))).headline


def test_keeping_is_no_success_for_an_arm_that_learned_nothing():
    idle = row("seat", target=0.1, unknown=0.99)
    assert (
        "SEAT, which learned only 0.10 of the target facts, kept it at 0.99."
        in verdict(summary(BASE, LOST, idle)).headline
    )


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        (0.4, "sparse (0.40) lost it too."),
        (0.6, "sparse (0.60) weakened it too."),
        (0.85, "sparse (0.85) weakened it too."),
        (0.97, "sparse kept it at 0.97."),
    ],
)
def test_words_follow_the_documented_bounds(unknown, words):
    arm = row("sparse", target=1.0, unknown=unknown, moved=-0.5)
    assert verdict(summary(BASE, LOST, arm)).headline.endswith(words)


def test_where_too_few_prompts_tell_nothing_is_called_kept():
    few = row("sparse", target=1.0, unknown=0.6, moved=-0.5, half=0.4)
    headline = verdict(summary(BASE, LOST, few)).headline
    assert headline.endswith("; of sparse (0.60) too few prompts were asked to tell.")
    alone = verdict(summary(BASE, few)).headline
    assert alone.startswith("No arm is shown to have lost abstention on unknown prompts")
    assert _fate(*aggregate(summary(BASE, row("sparse", unknown=0.85, half=0.2)))) == "kept"


def test_names_of_arms_keep_their_capitals_inside_a_sentence():
    pulled = row("l2sp", target=1.0, unknown=0.6)
    assert "L2-SP (0.60) weakened it too" in verdict(summary(BASE, LOST, pulled)).headline


def test_a_rise_is_no_loss():
    low = row("base", unknown=0.6)
    found = verdict(summary(low, row("full", target=1.0, unknown=0.2), row("seat", target=1.0, unknown=0.9)))
    assert "SEAT raised it to 0.90" in found.headline


def test_costs_stand_in_the_details():
    full, seat = verdict(summary(BASE, LOST, KEPT)).details
    assert "(nulls: random -0.12 to 0.13, shuffled -0.20 to 0.20, PCA -0.60 to 0.60)" in full
    assert "Known recall 1.00 to 0.49, over-abstention stayed at 0.00." in full
    assert "over-abstention 0.00 to 0.20." in seat


def test_terminal_table_has_one_line_an_arm_and_fits_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_summary(summary(BASE, LOST, KEPT))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (full,) = (line.split() for line in lines if line.startswith("full "))
    assert full == ["full", "1.00", "0.02", "1.00", "0.49", "0.00", "-0.91", "-0.12", "+0.13", "10"]


def test_markdown_table_is_rectangular_and_names_its_intervals():
    text = arms_table(summary(BASE, LOST, KEPT)).markdown()
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 5
    assert len({line.count("|") for line in table}) == 1
    assert "0.02 [0.00, 0.05]" in text
    assert "Wilson" in text


def test_recall_in_other_wordings_has_a_column_where_it_was_asked():
    assert "in other paraphrases" not in arms_table(summary(BASE, LOST)).heads
    asked = [one | {"paraphrase_recall": share} for one, share in ((BASE, 0.0), (LOST, 0.625), (KEPT, 0.25))]
    asked = [one | {"intervals": one["intervals"] | {"paraphrase_recall": [0.1, 0.75]}} for one in asked]
    table = arms_table(summary(*asked))
    place = table.heads.index("in other paraphrases")
    assert [line[place] for line in table.rows][1:] == ["0.62 [0.10, 0.75]", "0.25 [0.10, 0.75]"]
    assert len({len(line) for line in (table.heads, *table.rows)}) == 1
