"""`select` and `mask`: making a mask from facts, and looking at masks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from seat_interp.errors import SeatError

if TYPE_CHECKING:
    from seat_interp.attribution import Metric, Scores
    from seat_interp.facts import Fact
    from seat_interp.masks.mask import Mask
    from seat_interp.models.open import LanguageModel

ScoreName = Literal[
    "gradient_times_activation",
    "integrated_gradients",
    "fisher",
    "gradient",
    "gradient_times_weight",
    "magnitude",
    "activation_difference",
    "output_alignment",
    "random",
]
MetricName = Literal["answer_loss", "reply_loss", "abstention_log_odds", "direction_projection"]


@dataclass(frozen=True)
class Select:
    """Select a mask: which neurons, or which single weights, are to learn the target facts.

    Scores what is useful for the facts, and, unless --protect none, what would harm the model's present behaviour:
    its replies to copies of the facts about invented entities, and to the questions of --keep that it answers with
    confidence. No answers and no labels are needed for that.

    Example: seat-interp select --model ./my-model --facts new.jsonl --budget 0.05 --out mask.safetensors
    """

    model: str
    """A Hugging Face folder, a hub id, or a catalogue name: organism, smollm2-135m-instruct."""
    facts: tuple[str, ...]
    """Target facts: files as for `run`."""
    out: Path
    """The mask file."""
    granularity: Literal["neuron", "coordinate"] = "neuron"
    """Whole MLP neurons, or single weights of the MLP and attention matrices."""
    score: ScoreName = "fisher"
    """Usefulness. For neurons all but gradient_times_weight; for single weights fisher, gradient,
    gradient_times_weight, magnitude and random. activation_difference needs --known and --unknown,
    output_alignment a --direction."""
    metric: MetricName = "answer_loss"
    """What is scored: answer_loss is what learning lowers; direction_projection needs a --direction."""
    budget: float = 0.1
    """Share of the neurons or weights; see --count."""
    count: int | None = None
    """Number of neurons or weights, in place of --budget."""
    protect: Literal["none", "ratio", "difference", "exclude"] = "ratio"
    """How usefulness is traded for harm: divided by it, rank less rank, or never the worst fifth."""
    keep: tuple[str, ...] = ()
    """Questions of any kind; what the model answers with confidence is protected."""
    known_probes: bool = False
    """Say in the mask's header that --keep holds known or unknown probes, so that tables can mark it."""
    per_layer: bool = False
    """The same share in every layer."""
    floor: float = 0.0
    """Smallest share of each layer (of each matrix, for single weights)."""
    cap: float = 1.0
    """Largest share of each layer."""
    known: tuple[str, ...] = ()
    """For activation_difference."""
    unknown: tuple[str, ...] = ()
    """For activation_difference."""
    direction: Path | None = None
    """A direction file of this model."""
    steps: int = 10
    """Of integrated gradients."""
    batch_size: int = 16
    """Facts a pass."""
    seed: int = 0
    """Of invented entities and of random scores."""
    system: str | None = None
    """System prompt; the chat template's own if not given."""

    def run(self) -> None:
        """Score, select and save."""
        from seat_interp.attribution.protect import confident, harm, strangers
        from seat_interp.facts.sources import read_sources
        from seat_interp.masks.select import Rule, Spread, difference, exclude, ratio, select
        from seat_interp.models.open import open_model

        if self.count is None and not 0 < self.budget <= 1:
            raise SeatError(f"The budget is {self.budget}; it is a share and must be above 0 and at most 1.")
        spread = Spread(self.per_layer, self.floor, self.cap)
        facts, asked = read_sources(self.facts), read_sources(self.keep)
        lm = open_model(self.model, system=self.system)
        budget: float | int = self.budget if self.count is None else self.count
        if self.score == "random":
            print_mask(_random(lm, self.granularity, budget, self.seed).save(self.out))
            return
        useful = self._score(lm, facts)
        protect = None
        if self.protect != "none":
            kept = confident(lm, asked) if asked else []
            if asked:
                print(f"It answers {len(kept)} of {len(asked)} questions to keep with confidence.")
            kept = strangers(facts, seed=self.seed) + kept
            protect = harm(
                lm, kept, granularity=self.granularity, batch_size=self.batch_size, checkpoint=self._part("harm")
            )
        rules: dict[str, Rule] = {"ratio": ratio, "difference": difference, "exclude": exclude}
        described = {"seed": self.seed, "facts": list(self.facts), "keep": list(self.keep)}
        if self.known_probes:
            described["probes"] = True
        mask = select(
            lm, useful, budget, protect=protect, rule=rules.get(self.protect, ratio), spread=spread, origin=described
        )
        print_mask(mask.save(self.out))

    def _part(self, name: str) -> Path:
        """Where a score that takes long is kept until it is done."""
        return self.out.with_name(f"{self.out.name}.{name}")

    def _score(self, lm: "LanguageModel", facts: "list[Fact]") -> "Scores":
        from seat_interp import attribution
        from seat_interp.direction import IgnoranceDirection
        from seat_interp.facts.sources import read_sources

        direction = IgnoranceDirection.load(self.direction) if self.direction else None
        if direction is None and (self.metric == "direction_projection" or self.score == "output_alignment"):
            raise SeatError(
                "This needs an ignorance direction: give --direction, a file that `run` leaves in its folder."
            )
        if self.score == "activation_difference" and not (self.known and self.unknown):
            raise SeatError("activation_difference compares known with unknown prompts: give --known and --unknown.")
        how: dict[str, Any] = {
            "metric": _metric(self.metric, direction),
            "batch_size": self.batch_size,
            "checkpoint": self._part("score"),
        }
        attribute = partial(attribution.attribute, lm, facts, absolute=True, **how)
        table: dict[str, dict[str, Callable[[], Scores]]] = {
            "neuron": {
                "gradient_times_activation": attribute,
                "integrated_gradients": partial(attribute, steps=self.steps),
                "fisher": partial(attribution.neuron_fisher, lm, facts, **how),
                "gradient": partial(attribution.neuron_gradient, lm, facts, **how),
                "magnitude": partial(attribution.weight_norm, lm),
                "activation_difference": lambda: attribution.activation_difference(
                    lm, read_sources(self.unknown), read_sources(self.known)
                ).abs(),
                "output_alignment": lambda: attribution.output_alignment(lm, direction).abs(),  # type: ignore[arg-type]
            },
            "coordinate": {
                "fisher": partial(attribution.weight_fisher, lm, facts, **how),
                "gradient": lambda: attribution.weight_gradient(lm, facts, **how).abs(),
                "gradient_times_weight": partial(attribution.gradient_times_weight, lm, facts, **how),
                "magnitude": partial(attribution.weight_magnitude, lm),
            },
        }
        scores = table[self.granularity]
        if self.score not in scores:
            raise SeatError(
                f"There is no score {self.score} of granularity {self.granularity}. Take {', '.join(scores)}."
            )
        return scores[self.score]()


@dataclass(frozen=True)
class MaskFiles:
    """Look at mask files, hold them against each other, or make one of two.

    Examples:
        seat-interp mask show mask.safetensors --figure where.png
        seat-interp mask compare a.safetensors b.safetensors
        seat-interp mask combine a.safetensors b.safetensors --rule minus --out c.safetensors
    """

    action: Positional[Literal["show", "compare", "combine"]]
    """`show` one, `compare` two or more, `combine` two."""
    files: Positional[tuple[Path, ...]]
    """Mask files."""
    rule: Literal["and", "or", "xor", "minus"] = "and"
    """How `combine` does it."""
    out: Path | None = None
    """The file that `combine` writes."""
    figure: Path | None = None
    """A PNG, PDF or SVG: where the mask lives (`show`), or the overlap of all pairs (`compare`)."""

    def run(self) -> None:
        """Do it."""
        from seat_interp.masks.mask import Mask

        least, most = {"show": (1, 1), "compare": (2, 99), "combine": (2, 2)}[self.action]
        if not least <= len(self.files) <= most:
            asked = {"show": "one mask file", "compare": "two mask files or more", "combine": "two mask files"}
            raise SeatError(f"`mask {self.action}` takes {asked[self.action]}; {len(self.files)} given.")
        masks = {str(path): Mask.load(path) for path in self.files}
        {"show": self._show, "compare": self._compare, "combine": self._combine}[self.action](masks)

    def _show(self, masks: "dict[str, Mask]") -> None:
        from seat_interp.results.plots_masks import plot_where

        print_mask(self.files[0])
        if self.figure:
            _save(plot_where(masks), self.figure)

    def _compare(self, masks: "dict[str, Mask]") -> None:
        from rich.console import Console
        from rich.table import Table

        from seat_interp.masks.compare import overlap
        from seat_interp.results.plots_masks import plot_overlap

        table = Table("First", "Second", "Jaccard", "By chance", "Shared", "Only first", "Only second")
        names = list(masks)
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                found = overlap(masks[one], masks[other])
                counts = (f"{n:,}" for n in (found.shared, found.first, found.second))
                table.add_row(Path(one).stem, Path(other).stem, f"{found.jaccard:.3f}", f"{found.chance:.3f}", *counts)
        Console().print(table)
        if self.figure:
            _save(plot_overlap({Path(name).stem: mask for name, mask in masks.items()}), self.figure)

    def _combine(self, masks: "dict[str, Mask]") -> None:
        if self.out is None:
            raise SeatError("`mask combine` writes a file: give --out.")
        one, other = masks.values() if len(masks) == 2 else [*masks.values()] * 2
        rules: dict[str, Callable[[], Mask]] = {
            "and": lambda: one & other,
            "or": lambda: one | other,
            "xor": lambda: one ^ other,
            "minus": lambda: one - other,
        }
        print_mask(rules[self.rule]().save(self.out))


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
        if said := _brief(value):
            console.print(f"  [dim]{name}[/dim] {said}", highlight=False, soft_wrap=True)
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
        return ", ".join(f"{k} {_brief(v)}" for k, v in value.items() if k != "model" and v not in (None, [], False))
    if isinstance(value, list):
        return ", ".join(map(_brief, value))
    return "" if value in (None, False) else str(value)


def _random(lm: "LanguageModel", granularity: str, budget: float | int, seed: int) -> "Mask":
    from seat_interp.masks.mask import coordinate_extents
    from seat_interp.masks.random import random_coordinates, random_neurons

    if granularity == "neuron":
        return random_neurons(lm, budget if isinstance(budget, float) else budget / lm.sites.neurons, seed)
    total = sum(extent.size for extent in coordinate_extents(lm).values())
    return random_coordinates(lm, budget if isinstance(budget, float) else budget / total, seed)


def _metric(name: str, direction: Any) -> "Metric":
    from seat_interp.attribution import AbstentionLogOdds, AnswerLoss, DirectionProjection, ReplyLoss
    from seat_interp.training.align import REFUSALS

    made: dict[str, Callable[[], Metric]] = {
        "answer_loss": AnswerLoss,
        "reply_loss": ReplyLoss,
        "abstention_log_odds": lambda: AbstentionLogOdds(REFUSALS),
        "direction_projection": lambda: DirectionProjection(direction),
    }
    return made[name]()


def _save(figure: Any, path: Path) -> None:
    from seat_interp.files import atomic_path

    kinds = ("png", "pdf", "svg")
    if (kind := path.suffix.removeprefix(".")) not in kinds:
        raise SeatError(f"The figure {path} has no ending that says its format: give one of {', '.join(kinds)}.")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind)
    print(f"Figure: {path}")
