"""`mask`: looking at mask files, and making one of two."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from seat_interp.core.errors import SeatError
from seat_interp.core.files import short_names

if TYPE_CHECKING:
    from seat_interp.masks.mask import Mask


@dataclass(frozen=True)
class MaskFiles:
    """Look at mask files, hold them against each other, or make one of two.

    For example:
        seat-interp mask show mask.safetensors --figure where.png
        seat-interp mask compare a.safetensors b.safetensors
        seat-interp mask combine a.safetensors b.safetensors --rule minus --out c.safetensors
    """

    action: Positional[Literal["show", "compare", "combine"]]
    """`show` one, `compare` two or more, `combine` two."""
    files: Positional[tuple[Path, ...]]
    """Mask files, as `seat-interp select` and `Mask.save` write them."""
    rule: Literal["and", "or", "xor", "minus"] = "and"
    """How `combine` puts them together: what both hold, either, one alone, or the first without the second."""
    out: Path | None = None
    """The file that `combine` writes."""
    figure: Path | None = None
    """A PNG, PDF or SVG: where the mask lives (`show`, `combine`), or the overlap of all pairs (`compare`)."""

    def run(self) -> None:
        """Do it."""
        from seat_interp.masks.mask import Mask

        least, most = {"show": (1, 1), "compare": (2, 99), "combine": (2, 2)}[self.action]
        if not least <= len(self.files) <= most:
            asked = {"show": "one mask file", "compare": "two mask files or more", "combine": "two mask files"}
            raise SeatError(f"`mask {self.action}` takes {asked[self.action]}; {len(self.files)} given.")
        names = short_names([file.with_suffix("") for file in self.files])
        masks = {name: Mask.load(path) for name, path in zip(names, self.files)}
        {"show": self._show, "compare": self._compare, "combine": self._combine}[self.action](masks)

    def _show(self, masks: "dict[str, Mask]") -> None:
        print_mask(self.files[0])
        if self.figure:
            from seat_interp import plot

            _save(plot.places(masks)[0], self.figure)

    def _compare(self, masks: "dict[str, Mask]") -> None:
        from rich.console import Console
        from rich.table import Table

        from seat_interp.masks.compare import overlap

        table = Table()
        for head in ("First", "Second"):
            table.add_column(head, no_wrap=True)
        for head in ("Jaccard", "By chance", "Shared", "Only first", "Only second"):
            table.add_column(head, justify="right")
        names = list(masks)
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                shared = overlap(masks[one], masks[other])
                counts = (f"{n:,}" for n in (shared.shared, shared.first, shared.second))
                table.add_row(one, other, f"{shared.jaccard:.3f}", f"{shared.chance:.3f}", *counts)
        Console().print(table)
        if self.figure:
            from seat_interp import plot

            _save(plot.overlap(masks), self.figure)

    def _combine(self, masks: "dict[str, Mask]") -> None:

        if self.out is None:
            raise SeatError("`mask combine` writes a file: give --out.")
        one, other = masks.values()
        rules: dict[str, Callable[[], Mask]] = {
            "and": lambda: one & other,
            "or": lambda: one | other,
            "xor": lambda: one ^ other,
            "minus": lambda: one - other,
        }
        made = rules[self.rule]()
        if not len(made):
            raise SeatError(f"`{self.rule}` of these masks leaves nothing, so that nothing could be trained within it.")
        print_mask(made.save(self.out))
        if self.figure:
            from seat_interp import plot

            _save(plot.places({self.out.stem: made})[0], self.figure)


def print_mask(path: Path) -> None:
    """What a mask file holds: budget, origin, and its share of each kind of matrix in each layer."""
    from rich.console import Console
    from rich.table import Table

    from seat_interp.masks.compare import where
    from seat_interp.masks.mask import Mask

    mask = Mask.load(path)
    console = Console()
    console.print(f"{path}: {mask.granularity} mask, {len(mask):,} weights, budget {mask.budget:.4g}", highlight=False)
    for name, value in mask.origin.items():
        if short := _brief(value):
            console.print(f"  [dim]{name}[/dim] {short}", highlight=False, soft_wrap=True)
    places = where(mask)
    kinds = list(dict.fromkeys(place.matrix for place in places))
    table = Table("Layer", *kinds, caption="Share of each matrix that may change")
    for layer in dict.fromkeys(place.layer for place in places):
        shares = {place.matrix: place.share for place in places if place.layer == layer}
        table.add_row(str(layer), *(f"{shares[kind]:.3f}" if kind in shares else "" for kind in kinds))
    console.print(table)


def _brief(value: Any) -> str:
    """A header's entry in one line: what is not set, and the model inside a score, left out."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {short}" for k, v in value.items() if k != "model" and (short := _brief(v)))
    if isinstance(value, list):
        return ", ".join(map(_brief, value))
    return "" if value is None or value is False else str(value)


def _save(ax: Any, path: Path) -> None:
    from seat_interp.core.files import atomic_path

    kinds = ("png", "pdf", "svg")
    if (kind := path.suffix.removeprefix(".")) not in kinds:
        raise SeatError(f"The figure {path} has no ending that says its format: give one of {', '.join(kinds)}.")
    with atomic_path(path) as temporary:
        ax.figure.savefig(temporary, format=kind)
    print(f"Figure: {path}")
