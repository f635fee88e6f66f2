"""Style of all figures: colours of arms and evaluation sets, the style file, byte-stable SVG.

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
"""Beside colours, which distinguish lines and points in grey too."""
SET_STYLES = {
    "known": ("#009E73", "o"),
    "unknown": ("#CC79A7", "^"),
    "neighbour": ("#E69F00", "s"),
    "cross_domain": ("#56B4E9", "D"),
    "unverifiable": ("#333333", "X"),
    "target": ("#a6761d", "P"),
}
"""Colour and marker of each evaluation set; markers alone distinguish them too."""

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
    """Return several things by their names as they are given, and one alone under a name.

    Args:
        given: A mapping, or one thing.
        name: Name for the one.

    Returns:
        The mapping.
    """
    return given if isinstance(given, Mapping) else {name: given}


def arm_colours(arms: Sequence[str]) -> dict[str, str]:
    """Return the colours of arms in one figure or page, where two arms without a colour of their own share none.

    Args:
        arms: Names of the arms.

    Returns:
        Colours by name.
    """
    colours: dict[str, str] = {}
    for arm in dict.fromkeys(candidate.partition(",")[0] for candidate in arms):
        colour = arm_colour(arm)
        if colour in _SPARE:
            at = _SPARE.index(colour)
            colour = next(
                (candidate for candidate in _SPARE[at:] + _SPARE[:at] if candidate not in colours.values()), colour
            )
        colours[arm] = colour
    return {arm: colours[arm.partition(",")[0]] for arm in arms}


def width_of(ax: Axes) -> float:
    """Return the width of axes before a layout is made.

    Args:
        ax: Axes.

    Returns:
        Width in inches.
    """
    return float(ax.bbox.width / ax.figure.dpi)


def columns_over(ax: Axes, most: int) -> int:
    """Return the number of legend entries that fit side by side over axes.

    Args:
        ax: Axes.
        most: Largest number.

    Returns:
        The number, at least 1.
    """
    return max(1, min(most, int(width_of(ax) / 0.9)))


def null_band(ax: Axes, at: Sequence[float], bands: Sequence[Sequence[Sequence[float]]]) -> None:
    """Draw the displacement along random directions, at each place from the lowest end to the highest.

    Args:
        ax: Axes to draw on.
        at: Places along x.
        bands: Intervals at each place, of several runs.
    """
    low, high = (
        [min(low for low, _ in intervals) for intervals in bands],
        [max(high for _, high in intervals) for intervals in bands],
    )
    ax.fill_between(at, low, high, color=GREY, alpha=0.25, lw=0)


def reach(estimates: Sequence["Estimate"]) -> tuple[list[float], list[float]]:
    """Return the distances from means to the ends of their intervals, as `errorbar` takes them.

    Args:
        estimates: Means with intervals.

    Returns:
        Distances below and above, never negative by rounding.
    """
    return [max(0.0, e.mean - e.low) for e in estimates], [max(0.0, e.high - e.mean) for e in estimates]


def whiskers(ax: Axes, at: Sequence[float | int], rates: Sequence["Estimate"]) -> None:
    """Draw intervals on bars.

    Args:
        ax: Axes to draw on.
        at: Places along x.
        rates: Estimates of the bars.
    """
    ax.errorbar(at, [rate.mean for rate in rates], reach(rates), fmt="none", ecolor="#222222", elinewidth=0.9)


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that it draws in our style without changing anybody's settings.

    Args:
        draw: Function that draws.

    Returns:
        The function in our style.
    """

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.style.context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def new_axes(width: float = 7.2, height: float = 3.2) -> Axes:
    """Make axes in our style on a figure of their own, unknown to pyplot, so that nothing stays open.

    Args:
        width: Width in inches.
        height: Height in inches.

    Returns:
        The axes.
    """
    with matplotlib.style.context(STYLE):
        return Figure(figsize=(width, height), layout="constrained").subplots()


def to_svg(figure: Figure, prefix: str) -> str:
    """Return the `<svg>` element of a figure: no date, no metadata, the same bytes for the same figure.

    Args:
        figure: Figure to draw.
        prefix: Prefix of every id, so that several figures can stand in one page.

    Returns:
        The element as text.
    """
    buffer = io.StringIO()
    with matplotlib.style.context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{prefix}-", svg).strip()


def spaced(count: int, most: int) -> list[int]:
    """Choose at most `most` of `count` things in a row, evenly spaced from the first to the last.

    Args:
        count: Number of things.
        most: Largest number.

    Returns:
        Their indices.
    """
    return np.unique(np.linspace(0, count - 1, max(0, min(most, count))).round().astype(int)).tolist()
