"""What all figures share: colours of arms and probe sets, the style file, byte-stable SVG.

Colours are Okabe and Ito's, which people with any of the usual colour-vision deficiencies can tell apart.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from zlib import crc32

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp.studies.arms import ARMS

if TYPE_CHECKING:
    from seat_interp.evaluation.intervals import Estimate

STYLE = Path(__file__).with_name("seat_interp.mplstyle")
GREY = "#8a8a8a"
_NO_ARMS = {"base": GREY, "tuned": ARMS["full"].colour}
_SPARE = ("#7f3b08", "#542788", "#4d4d4d", "#01665e")
"""Of arms that have no colour of their own; no arm's."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#999933", "#882255")
"""Of lines that are no arms, in this order."""
MARKS = "os^Dv<>PX*hdp"
"""Beside colours, so that lines and points are told apart in grey too."""
SET_STYLES = {
    "known": ("#009E73", "o"),
    "unknown": ("#CC79A7", "^"),
    "neighbour": ("#E69F00", "s"),
    "cross_domain": ("#56B4E9", "D"),
    "unverifiable": ("#333333", "X"),
    "target": ("#a6761d", "P"),
}
"""Colour and marker of each probe set; markers alone tell them apart too."""

P = ParamSpec("P")
R = TypeVar("R")


def arm_colour(arm: str) -> str:
    """Return the colour of an arm, the same in every figure of every run.

    Args:
        arm: Name of an arm, or of a variant with the rest after a comma, which has its arm's colour.

    Returns:
        The registry's colour, "#rrggbb", or a spare one for an arm that it does not hold.
    """
    arm = arm.partition(",")[0]
    if arm in ARMS:
        return ARMS[arm].colour
    return _NO_ARMS.get(arm) or _SPARE[crc32(arm.encode()) % len(_SPARE)]


def arm_marker(arm: str) -> str:
    """Return the marker of an arm, the same in every figure of every run.

    Args:
        arm: Name of an arm, or of a variant with the rest after a comma, which has its arm's marker.

    Returns:
        The registry's marker, or a spare one for an arm that it does not hold.
    """
    arm = arm.partition(",")[0]
    return ARMS[arm].marker if arm in ARMS else "p"


def by_name(given: Any, name: str) -> Mapping[str, Any]:
    """Several by their names, as they are given; one alone under this name."""
    return given if isinstance(given, Mapping) else {name: given}


def arm_colours(arms: Sequence[str]) -> dict[str, str]:
    """The colours of arms in one figure or page: `arm_colour`, but two arms without one of their own share none."""
    found: dict[str, str] = {}
    for arm in dict.fromkeys(each.partition(",")[0] for each in arms):
        colour = arm_colour(arm)
        if colour in _SPARE:
            at = _SPARE.index(colour)
            colour = next((each for each in _SPARE[at:] + _SPARE[:at] if each not in found.values()), colour)
        found[arm] = colour
    return {arm: found[arm.partition(",")[0]] for arm in arms}


def width_of(ax: Axes) -> float:
    """Of the axes, in inches, before a layout is found."""
    return float(ax.bbox.width / ax.figure.dpi)


def columns_over(ax: Axes, most: int) -> int:
    """Entries of a legend side by side over the axes: as many as their width has room for, at most so many."""
    return max(1, min(most, int(width_of(ax) / 0.9)))


def null_band(ax: Axes, at: Sequence[float], bands: Sequence[Sequence[Sequence[float]]]) -> None:
    """What random directions show, behind a displacement: at each place from the lowest end to the highest.

    Args:
        ax: to draw on.
        at: places along x.
        bands: the intervals at each place, of several runs.
    """
    low, high = [min(low for low, _ in each) for each in bands], [max(high for _, high in each) for each in bands]
    ax.fill_between(at, low, high, color=GREY, alpha=0.25, lw=0)


def reach(estimates: Sequence["Estimate"]) -> tuple[list[float], list[float]]:
    """How far intervals go below and above their means, as `errorbar` takes it: never less than nothing by rounding."""
    return [max(0.0, e.mean - e.low) for e in estimates], [max(0.0, e.high - e.mean) for e in estimates]


def whiskers(ax: Axes, at: Sequence[float | int], rates: Sequence["Estimate"]) -> None:
    """Intervals on bars.

    Args:
        ax: to draw on.
        at: places along x.
        rates: of the bars.
    """
    ax.errorbar(at, [rate.mean for rate in rates], reach(rates), fmt="none", ecolor="#222222", elinewidth=0.9)


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in our style without changing anybody's settings."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.style.context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def new_axes(width: float = 7.2, height: float = 3.2) -> Axes:
    """Axes in our style on a figure of their own (inches), unknown to pyplot, so that nothing stays open."""
    with matplotlib.style.context(STYLE):
        return Figure(figsize=(width, height), layout="constrained").subplots()


def to_svg(figure: Figure, prefix: str) -> str:
    """The `<svg>` element of a figure: no date, no metadata, the same bytes for the same figure.

    Args:
        figure: to be drawn.
        prefix: put before every id, so that several figures can stand in one page.
    """
    buffer = io.StringIO()
    with matplotlib.style.context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{prefix}-", svg).strip()


def spaced(count: int, most: int) -> list[int]:
    """The numbers of at most `most` of `count` things in a row, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, count - 1, max(0, min(most, count))).round().astype(int)).tolist()
