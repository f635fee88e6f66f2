"""Tables that are typed by hand hold the numbers of those that are made from results."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLES = ROOT / "figures" / "tables"


def cells(line):
    return [cell.strip().replace("**", "") for cell in line.strip().strip("|").split(" | ")]


def rows_under(text, heading):
    """Cells by the first one, of the first table behind a heading."""
    lines = text[text.index(heading) :].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| ---"))
    found = {}
    for line in lines[first + 1 :]:
        if not line.startswith("|"):
            break
        found[cells(line)[0]] = cells(line)[1:]
    return found


def alone(cell):
    """The mean without its interval, and without what other tables write before it."""
    return cell.split(" [")[0]


def test_the_readme_has_the_numbers_of_its_figure():
    made = rows_under((TABLES / "smollm2_headline.md").read_text(), "| arm")
    readme = rows_under((ROOT / "README.md").read_text(), "| | target recall")
    names = {
        "aligned base": "Base",
        "full fine-tuning": "Full fine-tuning",
        "SEAT, random 10 % of weights": "SEAT",
        "SEAT + self-distillation, same masks": "SEAT + self-distillation",
    }
    assert readme.keys() == names.keys()
    for name, found in readme.items():
        _, target, *kept, known, over, moved, band, _, _ = made[names[name]]
        assert found[0] == alone(target)
        assert found[1] == " / ".join(map(alone, kept))
        assert found[2] == known
        assert found[3] == alone(over)
        if moved != "–":
            low, high = band.replace("+", "").split(" to ")
            assert found[4].replace("+", "").startswith(f"{moved.replace('+', '')}; {low} to {high}; ")


@pytest.mark.parametrize("who", ["people", "contracts"])
def test_the_page_on_results_has_the_numbers_of_the_masks(who):
    made = (TABLES / "organism_masks.md").read_text()
    typed = rows_under((ROOT / "docs" / "results.md").read_text(), "| share of the weights")
    mine = {name: found for name, found in typed.items() if name.startswith(who)}
    assert len(mine) == 4
    for name, found in mine.items():
        budget, rule = re.fullmatch(rf"{who}, (\d+) %, (random|by update)", name).groups()
        until = made[: made.index(f"\n{budget}% of the weights (unstructured), {who}, cross entropy.")]
        table = rows_under(until[until.rindex("| masks") :], "| masks")
        _, target, kept, known, _ = table["random" if rule == "random" else "update_exclude"]
        assert found == [alone(target), kept, known]
