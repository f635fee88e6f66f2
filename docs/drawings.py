"""The drawings of the concepts page: python docs/drawings.py. They show ideas, no data; the same bytes every time.

White ground and text as outlines, so that they are the same for every reader, in a light and in a dark page.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from seat_interp.core.files import write_text
from seat_interp.plot.style import GREY, SET_STYLES, new_axes, styled, to_svg

FOLDER = Path(__file__).parent / "drawings"
KNOWN, UNKNOWN, TARGET = (SET_STYLES[name][0] for name in ("known", "unknown", "target"))
MOVED, KEPT, INK, PALE = "#D55E00", "#0072B2", "#333333", "#e6e6e6"


@styled
def direction() -> Figure:
    """Two clouds of prompts and the vector between their means."""
    ax = _blank(6.4, 2.6)
    for name, at in (("known", (0.0, 0.0)), ("unknown", (4.0, 0.6))):
        _cloud(ax, name, at)
        ax.text(at[0], at[1] + 1.55, f"{name} prompts, base model", ha="center", size=8.5, color=SET_STYLES[name][0])
    _arrow(ax, (0, 0), (4.0, 0.6), INK, width=2)
    ax.text(2.0, 0.42, "ignorance direction", ha="center", va="bottom", size=9, weight="bold", rotation=6)
    ax.annotate("", (0, -1.5), (4.0, -1.5), arrowprops={"arrowstyle": "<->", "color": GREY, "lw": 1})
    ax.text(2.0, -1.62, "the separation: one unit of displacement", ha="center", va="top", size=8.5, color=INK)
    for x, y in ((0, 0), (4.0, 0.6)):
        ax.plot([x, x], [y, -1.5], color=GREY, lw=0.7, ls=(0, (2, 2)))
    ax.set(xlim=(-1.6, 5.6), ylim=(-2.2, 2.6))
    return _of(ax)


@styled
def displacement() -> Figure:
    """A shift, its part along the direction and its part across it."""
    ax = _blank(6.4, 2.7)
    _cloud(ax, "known", (0, 0), alpha=0.2)
    _cloud(ax, "unknown", (4, 0), alpha=0.25)
    before, after = np.array([4.0, 0.0]), np.array([0.8, 1.5])
    _arrow(ax, before, after, MOVED, width=2)
    ax.plot(*before, marker=SET_STYLES["unknown"][1], color=UNKNOWN, ms=9, mec="white", zorder=5)
    ax.plot(*after, marker=SET_STYLES["unknown"][1], color=MOVED, ms=9, mec="white", zorder=5)
    ax.text(4.1, -0.3, "before", size=8.5, va="top", color=UNKNOWN)
    ax.text(0.7, 1.72, "after fine-tuning", size=8.5, ha="center", va="bottom", color=MOVED)
    _arrow(ax, before, (0.8, 0), INK, width=1.1)
    _arrow(ax, (0.8, 0), after, INK, width=1.1)
    ax.text(2.1, -0.12, "along: −0.8 gaps", size=8.5, ha="center", va="top")
    ax.text(0.68, 0.75, "across", size=8.5, ha="right", va="center")
    ax.plot([-1.4, 5.4], [-1.75, -1.75], color=GREY, lw=0.8)
    for x, words in ((0, "−1: where known\nprompts stood"), (4, "0: where they stood")):
        ax.plot([x, x], [-1.85, -1.65], color=GREY, lw=0.8)
        ax.text(x, -1.95, words, ha="center", va="top", size=8)
    ax.set(xlim=(-1.6, 5.6), ylim=(-2.9, 2.3))
    return _of(ax)


@styled
def nulls() -> Figure:
    """A displacement beside what other directions show."""
    ax = _blank(6.4, 2.3)
    at = np.linspace(-1.4, 0.7, 400)
    density = np.exp(-0.5 * (at / 0.14) ** 2)
    band = np.abs(at) <= 1.96 * 0.14
    ax.fill_between(at, density, color=PALE, lw=0)
    ax.fill_between(at[band], density[band], color=GREY, alpha=0.55, lw=0)
    ax.text(0, 1.06, "displacement of the same prompts\nalong other directions", ha="center", va="bottom", size=8)
    ax.text(0, 0.3, "95 %", ha="center", size=8.5)
    for x, words, colour in ((-1.05, "beyond the null:\na finding", MOVED), (-0.2, "within it:\nnone", INK)):
        ax.plot([x, x], [0, 0.72], color=colour, lw=2)
        ax.plot(x, 0.72, "o", color=colour, ms=5)
        side = {"ha": "left", "x": x + 0.03} if x < -0.5 else {"ha": "right", "x": x - 0.03}
        ax.text(side["x"], 0.78, words, ha=side["ha"], va="bottom", size=8.5, color=colour)
    ax.plot([-1.4, 0.7], [0, 0], color=GREY, lw=0.8)
    for x in (-1.0, -0.5, 0.0, 0.5):
        ax.text(x, -0.06, f"{x:g}".replace("-", "−"), ha="center", va="top", size=8)
    ax.text(-0.35, -0.24, "mean displacement, in gaps", ha="center", va="top", size=8.5)
    ax.set(xlim=(-1.45, 0.75), ylim=(-0.42, 1.5))
    return _of(ax)


@styled
def perturbation() -> Figure:
    """A fact that is learnt, and its copy on which the model is to stay as it was."""
    ax = _blank(6.8, 2.5)
    _box(ax, (1.75, 1.5), 3.3, 0.62, "Where was Ada Moran born?\nIn Leeds.", TARGET)
    _box(ax, (1.75, 0.35), 3.3, 0.62, "Where was Tobin Halvek born?\nI do not know.", UNKNOWN)
    _box(ax, (6.35, 1.5), 2.5, 0.62, "cross entropy:\nlearn the answer", MOVED)
    _box(ax, (6.35, 0.35), 2.5, 0.62, "KL to the frozen base:\nreply as before", KEPT)
    _arrow(ax, (3.45, 1.5), (5.05, 1.5), INK)
    _arrow(ax, (3.45, 0.35), (5.05, 0.35), INK)
    _arrow(ax, (1.75, 1.15), (1.75, 0.7), INK)
    ax.text(1.9, 0.925, "the name exchanged, the base's reply", va="center", size=8, color=INK)
    ax.set(xlim=(0, 7.7), ylim=(-0.1, 1.95))
    return _of(ax)


@styled
def neuron() -> Figure:
    """What a neuron of a mask is in the three matrices of an MLP."""
    ax = _blank(6.6, 2.6)
    for x, name in ((0.3, "gate_proj"), (2.9, "up_proj")):
        ax.add_patch(Rectangle((x, 0), 1.6, 2.0, fc=PALE, ec=GREY, lw=0.8))
        ax.add_patch(Rectangle((x, 0.9), 1.6, 0.16, fc=KEPT, ec="none"))
        ax.text(x + 0.8, 2.1, name, ha="center", va="bottom", size=9, weight="bold")
        ax.text(x + 0.8, -0.1, "width", ha="center", va="top", size=8)
    ax.text(0.2, 1.0, "neurons", rotation=90, ha="right", va="center", size=8)
    ax.text(2.4, 0.98, "row i", ha="center", va="center", size=8.5, color=KEPT)
    ax.add_patch(Rectangle((5.5, 0.2), 2.0, 1.6, fc=PALE, ec=GREY, lw=0.8))
    ax.add_patch(Rectangle((6.4, 0.2), 0.16, 1.6, fc=KEPT, ec="none"))
    ax.text(6.5, 2.1, "down_proj", ha="center", va="bottom", size=9, weight="bold")
    ax.text(6.5, 0.1, "neurons", ha="center", va="top", size=8)
    ax.text(5.4, 1.0, "width", rotation=90, ha="right", va="center", size=8)
    ax.text(6.48, 1.86, "column i", ha="center", va="bottom", size=8.5, color=KEPT)
    ax.set(xlim=(-0.2, 7.7), ylim=(-0.4, 2.5))
    return _of(ax)


@styled
def flow() -> Figure:
    """How facts go through the package: one way, no back and forth."""
    ax = _blank(7.2, 3.0)
    places = {
        "facts": (0.8, 2.0, GREY),
        "perturbed\ncopies": (2.6, 3.1, UNKNOWN),
        "capture\non the base": (2.6, 2.0, KEPT),
        "attribution": (2.6, 0.9, TARGET),
        "ignorance\ndirection": (4.5, 2.0, KEPT),
        "mask": (4.5, 0.9, TARGET),
        "training": (6.3, 0.9, MOVED),
        "tuned model": (8.1, 0.9, MOVED),
        "capture again:\ndisplacement": (8.1, 2.0, KEPT),
        "asked:\nrecall, abstention": (8.1, -0.2, KNOWN),
        "results,\nfigures": (10.1, 0.9, GREY),
    }
    for words, (x, y, colour) in places.items():
        _box(ax, (x, y), 1.5, 0.72, words, colour, size=7.5)
    at = {words: np.array(place[:2]) for words, place in places.items()}

    def link(one: str, other: str, out: tuple[float, float], into: tuple[float, float]) -> None:
        _arrow(ax, at[one] + out, at[other] + into, INK, width=1)

    right, left, up, down = (0.8, 0.0), (-0.8, 0.0), (0.0, 0.42), (0.0, -0.42)
    link("facts", "perturbed\ncopies", (0.8, 0.2), (-0.8, -0.1))
    link("facts", "capture\non the base", right, left)
    link("facts", "attribution", (0.8, -0.2), (-0.8, 0.1))
    link("capture\non the base", "ignorance\ndirection", right, left)
    link("attribution", "mask", right, left)
    link("mask", "training", right, left)
    link("training", "tuned model", right, left)
    link("tuned model", "capture again:\ndisplacement", up, down)
    link("tuned model", "asked:\nrecall, abstention", down, up)
    link("ignorance\ndirection", "capture again:\ndisplacement", right, left)
    link("capture again:\ndisplacement", "results,\nfigures", (0.8, -0.1), (-0.5, 0.42))
    link("asked:\nrecall, abstention", "results,\nfigures", (0.8, 0.1), (-0.5, -0.42))
    copies, training = at["perturbed\ncopies"], at["training"]
    ax.plot([copies[0] + 0.8, training[0]], [copies[1], copies[1]], color=INK, lw=1)
    _arrow(ax, (training[0], copies[1]), training + up, INK, width=1)
    ax.text(4.5, 3.18, "what must stay", ha="center", va="bottom", size=7.5)
    ax.set(xlim=(0, 10.9), ylim=(-0.7, 3.6))
    return _of(ax)


DRAWINGS: tuple[Callable[[], Figure], ...] = (direction, displacement, nulls, perturbation, neuron, flow)


def _blank(width: float, height: float) -> Axes:
    ax = new_axes(width, height)
    ax.set_axis_off()
    return ax


def _of(ax: Axes) -> Figure:
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure


def _cloud(ax: Axes, name: str, at: tuple[float, float], alpha: float = 0.55) -> None:
    colour, marker = SET_STYLES[name]
    x, y = np.random.default_rng(len(name)).normal(at, (0.42, 0.48), (40, 2)).T
    ax.plot(x, y, marker, color=colour, alpha=alpha, ms=4, mew=0)


def _arrow(ax: Axes, start: object, end: object, colour: str, width: float = 1.4) -> None:
    look = {"arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11}
    ax.annotate("", end, start, arrowprops=look)  # type: ignore[arg-type]


def _box(ax: Axes, at: tuple[float, float], width: float, height: float, words: str, colour: str, size=8.5) -> None:
    corner = (at[0] - width / 2, at[1] - height / 2)
    ax.add_patch(FancyBboxPatch(corner, width, height, "round,pad=0.04", fc="white", ec=colour, lw=1.4))
    ax.text(*at, words, ha="center", va="center", size=size, color=INK)


def main(folder: Path = FOLDER) -> None:
    """Write every drawing as NAME.svg."""
    for draw in DRAWINGS:
        write_text(folder / f"{draw.__name__}.svg", to_svg(draw(), draw.__name__) + "\n")


if __name__ == "__main__":
    main()
