"""A page of results: one file with its style, script and data in it, the same bytes every time.

The templates are in `templates/`: `page.html.j2` is what all pages share, `parts.html.j2` what they are made of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp.core.files import read_text
from seat_interp.evaluation.intervals import KIND_WORDS, Estimate
from seat_interp.plot.style import arm_colours, to_svg
from seat_interp.plot.wording import NULL_WORDS, arm_name, set_label
from seat_interp.results.verdict import MAIN_SET

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Value:
    """Value that a figure draws, for whoever points at it.

    Attributes:
        ax: Axes of the value.
        x: Place along x, in data coordinates.
        y: Place along y, in data coordinates.
        says: Text; or a prompt and a column of the replies that the page holds, by their numbers there.
    """

    ax: Axes
    x: float | int
    y: float | int
    says: str | tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """Figure for the page.

    Attributes:
        svg: Drawing.
        alt: Description for those who do not see it.
        caption: Text above it.
        data: Data for the page's script: `points` (left and top as shares of the figure, then the text), whether they
            are `bars`, and the `layers` whose lines are marked.
    """

    svg: Markup
    alt: str
    caption: str
    data: dict[str, Any]


def picture(
    drawn: Axes | Sequence[Axes],
    name: str,
    alt: str,
    caption: str = "",
    *,
    values: Sequence[Value] = (),
    bars: bool = False,
    layers: int = 0,
) -> Picture:
    """Turn a figure into a part of the page.

    Args:
        drawn: Axes of the figure, or the first of them.
        name: Name, unique on the page.
        alt: Description for those who do not see it.
        caption: Text above it.
        values: Values that can be pointed at.
        bars: Whether the values are heights of bars, which may be pointed at anywhere.
        layers: Number of layers, if the x axis shows them.
    """
    ax = drawn if isinstance(drawn, Axes) else drawn[0]
    svg = to_svg(cast(Figure, ax.figure), name)  # lays the figure out, so that places are known from here on
    points = [[*_place(value.ax, value.x, value.y), value.says] for value in values]
    data: dict[str, Any] = {"points": points, "bars": bars}
    if layers:
        low, high = ax.get_ylim()
        (first, bottom), (last, top) = _place(ax, 0, low), _place(ax, layers - 1, high)
        data["layers"] = {"first": first, "last": last, "top": top, "bottom": bottom}
    return Picture(Markup(svg), alt, caption, data)


def _place(ax: Axes, x: float | int, y: float | int) -> tuple[float, float]:
    """Shares of the figure's width from the left and of its height from the top."""
    across, up = cast(Figure, ax.figure).transFigure.inverted().transform(ax.transData.transform((x, y)))
    return round(float(across), 4), round(1 - float(up), 4)


def render(template: str, coloured: Sequence[str], **values: Any) -> str:
    """Render a page as text.

    Args:
        template: Name of the template.
        coloured: Arms that the page names.
        values: Values that the template shows.
    """
    page = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(TEMPLATES),
    )
    page.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    colours = arm_colours([arm.partition(",")[0] for arm in coloured])  # a variant, or an arm of a run, has its arm's

    def colour(arm: str) -> str:
        return colours[arm.partition(",")[0]]

    page.filters |= {"arm": arm_name, "colour": colour, "set": set_label, "null": _null_name, "ends": _ends}
    inlined = {name: Markup(read_text(TEMPLATES / f"page.{name}")) for name in ("css", "js")}
    return page.get_template(template).render(probe=MAIN_SET, kind_words=KIND_WORDS, **inlined, **values)


def _null_name(kind: str) -> str:
    name = NULL_WORDS.get(kind, kind)
    return f"{name[0].upper()}{name[1:]} null"


def _ends(rate: Estimate, sign: str = "") -> str:
    """The interval alone, as the cells of tables have it."""
    return f"{rate.low:+.2f} to {rate.high:+.2f}" if sign else f"{rate.low:.2f}–{rate.high:.2f}"
