"""One table, four ways of writing it."""

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.results.table import Table, _to_latex

TABLE = Table.of(["arm", "recall"], [["Full_FT", "0.93 [0.88, 0.96]"], ["SEAT & co", 1]], "Rates, 50 % of them.")


def test_markdown():
    assert TABLE.markdown().splitlines() == [
        "| arm | recall |",
        "| --- | ---: |",
        "| Full_FT | 0.93 [0.88, 0.96] |",
        "| SEAT & co | 1 |",
        "",
        "Rates, 50 % of them.",
    ]


def test_latex_has_rules_and_no_bare_signs():
    lines = TABLE.latex("arms").splitlines()
    assert lines[:3] == [r"% needs \usepackage{booktabs}", r"\begin{table}", r"\centering"]
    assert lines[3:6] == [r"\caption{Rates, 50 \% of them.}", r"\label{tab:arms}", r"\begin{tabular}{lr}"]
    assert lines[6:12] == [
        r"\toprule",
        r"arm & recall \\",
        r"\midrule",
        r"Full\_FT & 0.93 [0.88, 0.96] \\",
        r"SEAT \& co & 1 \\",
        r"\bottomrule",
    ]
    wide = Table.of([f"c{n}" for n in range(9)], [range(9)]).latex("wide")
    assert wide.count("{table*}") == 2
    assert str(TABLE) == TABLE.markdown()
    assert _to_latex("a\\b~−1") == r"a\textbackslash{}b\textasciitilde{}$-$1"


def test_a_bracket_that_opens_a_row_is_no_option_of_the_row_before():
    assert "{[}0, 1]" in Table.of(["a", "b"], [["[0, 1]", "x"]]).latex("t")


def test_terminal_and_json(capsys):
    TABLE.print()
    shown = capsys.readouterr().out
    assert "Full_FT" in shown
    assert "[0.88, 0.96]" in shown
    assert TABLE.to_json()["rows"][1] == {"arm": "SEAT & co", "recall": "1"}


def test_rows_of_other_lengths_are_refused():
    with pytest.raises(SeatError, match="columns"):
        Table.of(["a", "b"], [["x"]])


def test_a_notebook_shows_markdown():
    assert TABLE._repr_markdown_() == TABLE.markdown()
