"""A table as a value: written as Markdown, as LaTeX with booktabs, as JSON, and printed in the terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from seat_interp.core.errors import SeatError

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
}


_MOST_NARROW = 6
"""Columns in one column of a page."""


@dataclass(frozen=True)
class Table:
    """Headings and rows of text; the first column is of words, the others of numbers.

    Attributes:
        heads: Headings of the columns.
        rows: Cells, as many in a row as there are headings.
        caption: Sentence or two on what the table shows.

    Example:
        >>> print(si.Table.of(["arm", "recall"], [["SEAT", 0.99]]).markdown())
        | arm | recall |
        | --- | ---: |
        | SEAT | 0.99 |
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.heads):
                raise SeatError(f"The row {row} has {len(row)} cells; the table has {len(self.heads)} columns.")

    @classmethod
    def of(cls, heads: Sequence[str], rows: Iterable[Iterable[Any]], caption: str = "") -> "Table":
        """Make a table of any cells; they are written as `str` does.

        Args:
            heads: Headings of the columns.
            rows: Cells of each row.
            caption: Sentence or two on what the table shows.

        Returns:
            The table.
        """
        return cls(tuple(heads), tuple(tuple(map(str, row)) for row in rows), caption)

    def markdown(self) -> str:
        """Write the table for a README or an issue, the caption below.

        Returns:
            Markdown.
        """
        lines = [[cell.replace("|", r"\|") for cell in line] for line in (self.heads, *self.rows)]
        text = [f"| {' | '.join(line)} |" for line in lines]
        text.insert(1, f"| --- |{' ---: |' * (len(self.heads) - 1)}")
        return "\n".join([*text, *(["", self.caption] if self.caption else []), ""])

    def __str__(self) -> str:
        return self.markdown()

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.markdown()

    def latex(self, label: str) -> str:
        r"""Write a `table` environment with booktabs' rules; a table of many columns goes over both of the page's.

        Args:
            label: Label for `\ref{tab:...}`.

        Returns:
            LaTeX.
        """
        lines = [" & ".join(map(_to_latex, line)) + r" \\" for line in (self.heads, *self.rows)]
        body = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
        caption = [f"\\caption{{{_to_latex(self.caption)}}}"] if self.caption else []
        columns, wide = "l" + "r" * (len(self.heads) - 1), len(self.heads) > _MOST_NARROW
        around = "table*" if wide else "table"
        head = [
            r"% needs \usepackage{booktabs}",
            f"\\begin{{{around}}}",
            r"\centering",
            *([r"\scriptsize"] if wide else []),
            *caption,
            f"\\label{{tab:{label}}}",
            f"\\begin{{tabular}}{{{columns}}}",
        ]
        return "\n".join([*head, *body, r"\end{tabular}", f"\\end{{{around}}}", ""])

    def to_json(self) -> dict[str, Any]:
        """Return the cells by their headings.

        Returns:
            JSON object.
        """
        return {"caption": self.caption, "rows": [dict(zip(self.heads, row)) for row in self.rows]}

    def print(self) -> None:
        """In the terminal; intervals go to a line of their own."""
        table = RichTable(title=escape(self.caption), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for number, head in enumerate(self.heads):
            table.add_column(escape(head), justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(escape(cell).replace(" \\[", "\n\\[") for cell in row))
        Console().print(table)


def _to_latex(text: str) -> str:
    """Plain text with what LaTeX would take for commands escaped."""
    written = "".join(_LATEX.get(sign, sign) for sign in text)
    # At the start of a row a bracket would be read as an option of the line break before it.
    return f"{{[}}{written[1:]}" if written.startswith("[") else written
