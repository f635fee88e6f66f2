"""`compare`: finished runs side by side."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Compare:
    """Finished runs side by side in one page: rates, displacement with its nulls, replies to the same questions.

    The runs may be of other models, facts or settings; the page says what is then not comparable, and which settings
    differ.

    Example: seat-interp compare runs/demo runs/contracts --out compare.html
    """

    runs: Positional[tuple[Path, ...]]
    """Run folders of finished studies, two or more."""
    out: Path = Path("compare.html")
    """The page; it needs no network and no other file."""

    def run(self) -> None:
        """Write the page."""
        from seat_interp.results.comparison import write_comparison

        print(f"Comparison: {write_comparison(self.runs, self.out)}")
