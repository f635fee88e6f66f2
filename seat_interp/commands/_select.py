"""`select`: making a mask from facts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seat_interp.commands._masks import print_mask
from seat_interp.core.errors import SeatError, require_within

if TYPE_CHECKING:
    from seat_interp.attribution import Metric, Scores
    from seat_interp.facts import Fact
    from seat_interp.masks.select import Spread
    from seat_interp.models.open import LanguageModel

ScoreName = Literal[
    "gradient_times_activation",
    "integrated_gradients",
    "fisher",
    "gate_fisher",
    "gradient",
    "gradient_times_weight",
    "magnitude",
    "update",
    "activation_difference",
    "output_alignment",
    "random",
]
MetricName = Literal["answer_loss", "reply_loss", "abstention_log_odds", "direction_projection", "kl_to_base"]


@dataclass(frozen=True)
class Select:
    """Select a mask: the weights, or the neurons, that are to learn the target facts.

    Usefulness for the facts is scored, and, unless --protect none, harm to the model's present behaviour: its replies
    to entity-perturbed prompts, and to the questions of --keep that it answers with confidence. Harm needs no answers
    and no labels.

    Known of the rules, on the embedded organism: with unstructured masks, the default granularity here as in `run`,
    the default score does worse than a random mask; the best found is --score update --tuned FOLDER --protect exclude
    --top 0.6. With --granularity neuron the defaults keep more abstention than random neurons, as does a random mask
    with the same number in each layer.

    Example: seat-interp select --model ./my-model --facts new.jsonl --budget 0.05 --out mask.safetensors
    """

    model: str
    """A Hugging Face folder, a hub id, or a catalogue name: organism, smollm2-135m-instruct."""
    facts: tuple[str, ...]
    """Target facts: files as for `run`."""
    out: Path
    """The mask file to write, such as mask.safetensors."""
    granularity: Literal["neuron", "coordinate"] = "coordinate"
    """coordinate: an unstructured mask of weights of the MLP and attention matrices; neuron: a structured one."""
    score: ScoreName = "fisher"
    """Usefulness. For neurons all but gradient_times_weight; for weights fisher, gradient,
    gradient_times_weight, magnitude, update and random. fisher of a neuron is that of its weights, gate_fisher that of
    its activation. activation_difference needs --known and --unknown, output_alignment a --direction, update a --tuned
    model."""
    metric: MetricName = "answer_loss"
    """Metric that is scored: answer_loss is what learning lowers; direction_projection needs a --direction; kl_to_base
    has no gradient at the base, so it goes with integrated_gradients and update alone. With update the metric is to
    fall."""
    budget: float = 0.1
    """Share of the neurons or weights; see --count."""
    count: int | None = None
    """Number of neurons or weights, in place of --budget."""
    protect: Literal["none", "ratio", "difference", "exclude"] = "ratio"
    """Trade of usefulness for harm: divided by it, rank less rank, or never the worst (see --top)."""
    top: float | None = None
    """Share of the neurons or weights, by harm, that `exclude` never takes: 0.2 if not given; 0.6 goes well with
    `--score update`."""
    invert: bool = False
    """Choose what would be chosen last: a control."""
    like: Path | None = None
    """With `--score random`, a mask to draw as many neurons or weights as of each layer or matrix: the control that
    separates which ones from in which layers. Its budget and granularity are taken."""
    tuned: str | None = None
    """Model fine-tuned from --model, such as `run --arms full --keep-models` leaves in its folder: the score `update`
    measures what each of its changes did, for the facts and to what must stay."""
    keep: tuple[str, ...] = ()
    """Questions of any kind; what the model answers with confidence is protected."""
    least: float = 0.9
    """Confidence: the geometric mean of the probabilities of a reply's tokens; long replies reach less."""
    uses_evaluation_data: bool = False
    """Write in the mask's header that --keep holds evaluation facts, so that tables can mark it."""
    per_layer: bool = False
    """The same share in every layer."""
    floor: float = 0.0
    """Smallest share of each layer (of each matrix, for weights)."""
    cap: float = 1.0
    """Largest share of each layer."""
    known: tuple[str, ...] = ()
    """Known facts, for the score activation_difference: files as for `run`."""
    unknown: tuple[str, ...] = ()
    """Unknown facts, for the score activation_difference: files as for `run`."""
    direction: Path | None = None
    """A direction file of this model, which `run` leaves in its folder."""
    steps: int = 10
    """Steps of integrated gradients."""
    batch_size: int = 16
    """Number of facts in a forward pass."""
    seed: int = 0
    """Seed of fictitious entities and of random scores."""
    system: str | None = None
    """System prompt; the chat template's own if not given."""

    def run(self) -> None:
        """Score, select and save."""
        from seat_interp.evaluation.knowledge import confident
        from seat_interp.facts import ep_prompts
        from seat_interp.facts.sources import read_sources
        from seat_interp.masks.mask import Mask
        from seat_interp.masks.random import layer_matched, random_coordinates, random_neurons
        from seat_interp.masks.select import Rule, Spread, difference, exclude, inverted, ratio, select
        from seat_interp.models.open import open_model, require_named

        if self.count is None and not 0 < self.budget <= 1:
            raise SeatError(f"The budget is {self.budget}; it is a share and must be above 0 and at most 1.")
        require_named(self.out)
        if self.out.exists():
            print(f"{self.out} is there already, and will be replaced.")
        for name in ("batch_size", "steps", "count"):
            require_within(self, name, 1)
        for name in ("least", "top"):
            require_within(self, name, 0, 1)
        if self.top is not None and self.protect != "exclude":
            raise SeatError("--top is the share that `--protect exclude` never takes: give both, or neither.")
        if self.tuned is not None and self.score != "update":
            raise SeatError("--tuned is the model that the score `update` looks into: give --score update too.")
        if self.score == "random" and (self.floor > 0 or self.cap < 1 or self.invert):
            raise SeatError("Random masks have the same share in every layer: leave out --floor, --cap and --invert.")
        if self.like is not None and self.score != "random":
            raise SeatError("--like is the mask whose counts a random one takes: give --score random too.")
        like = Mask.load(self.like) if self.like else None
        spread = Spread(self.per_layer, self.floor, self.cap)
        facts, asked = read_sources(self.facts), read_sources(self.keep)
        lm = open_model(self.model, system=self.system)
        if like is not None:
            print_mask(layer_matched(lm, like, self.seed).save(self.out))
            return
        self._require_room(lm, spread)
        budget: float | int = self.budget if self.count is None else self.count
        if self.score == "random":
            draw = random_neurons if self.granularity == "neuron" else random_coordinates
            print_mask(draw(lm, budget, self.seed).save(self.out))
            return
        tuned = self._tuned()
        useful = self._score(lm, tuned, facts)
        protect = None
        if self.protect != "none":
            kept = confident(lm, asked, least=self.least, batch_size=self.batch_size) if asked else []
            if asked:
                print(f"It answers {len(kept)} of {len(asked)} questions to keep with confidence.")
            if asked and not kept:
                raise SeatError(
                    f"It answers none of the questions to keep with a confidence of {self.least}: lower --least, or "
                    "leave --keep out."
                )
            protect = self._harm(lm, tuned, [ep_prompts(facts, seed=self.seed), *([kept] if kept else [])])
        rules: dict[str, Rule] = {"ratio": ratio, "difference": difference, "exclude": partial(exclude, top=self._top)}
        described = {"seed": self.seed, "facts": list(self.facts), "keep": list(self.keep)}
        if self.uses_evaluation_data:
            described["uses_evaluation_data"] = True
        rule = rules.get(self.protect, ratio)
        if self.invert:
            described["inverted"] = True
            useful, rule = useful if protect else useful.map(lambda value: -value), inverted(rule)
        mask = select(lm, useful, budget, protect=protect, rule=rule, spread=spread, origin=described)
        print_mask(mask.save(self.out))

    @property
    def _top(self) -> float:
        return 0.2 if self.top is None else self.top

    def _require_room(self, lm: "LanguageModel", spread: "Spread") -> None:
        """What cannot be chosen is better known before an hour of scoring."""
        from seat_interp.models.axes import coordinate_axes

        axes = coordinate_axes(lm).values()
        total = lm.sites.neurons if self.granularity == "neuron" else sum(extent.size for extent in axes)
        wanted = self.count if self.count is not None else self.budget * total
        room = total * min(spread.cap, 1 - self._top if self.protect == "exclude" else 1.0)
        if wanted > room or wanted < spread.floor * total:
            raise SeatError(
                f"{wanted:,.0f} of {total:,} {self.granularity}s cannot be chosen: --floor, --cap and what `exclude` "
                f"never takes leave {spread.floor * total:,.0f} to {room:,.0f}."
            )

    def _part(self, name: str) -> Path:
        """Where a score that takes long is kept until it is done."""
        return self.out.with_name(f"{self.out.name}.{name}")

    def _tuned(self) -> "LanguageModel | None":
        from seat_interp.models.open import open_model

        if self.score != "update":
            return None
        if self.tuned is None:
            raise SeatError("The score update looks into what a fine-tuning did: give --tuned, the model it made.")
        return open_model(self.tuned, system=self.system)

    def _harm(self, lm: "LanguageModel", tuned: "LanguageModel | None", kept: "list[list[Fact]]") -> "Scores":
        """Harm to each list of prompts, with equal weight."""
        from seat_interp.attribution import KLToBase, average, harm, update_effect

        def one(facts: "list[Fact]", part: Path) -> "Scores":
            options: dict[str, Any] = {"batch_size": self.batch_size, "checkpoint": part}
            if tuned is not None:
                effect = update_effect(
                    base=lm, tuned=tuned, facts=facts, metric=KLToBase(lm), granularity=self.granularity, **options
                )
                return effect.abs()
            scores = harm(lm, facts, granularity="coordinate", **options)
            return scores.per_neuron(lm) if self.granularity == "neuron" else scores

        return average([one(facts, self._part(f"harm-{number}")) for number, facts in enumerate(kept)])

    def _score(self, lm: "LanguageModel", tuned: "LanguageModel | None", facts: "list[Fact]") -> "Scores":
        from seat_interp import attribution
        from seat_interp.directions.direction import IgnoranceDirection
        from seat_interp.facts.sources import read_sources

        direction = IgnoranceDirection.load(self.direction) if self.direction else None
        if direction is None and (self.metric == "direction_projection" or self.score == "output_alignment"):
            raise SeatError(
                "This needs an ignorance direction: give --direction, a file that `run` leaves in its folder."
            )
        if self.score == "activation_difference" and not (self.known and self.unknown):
            raise SeatError("activation_difference compares known with unknown prompts: give --known and --unknown.")
        options: dict[str, Any] = {
            "metric": _metric(self.metric, direction, lm),
            "batch_size": self.batch_size,
            "checkpoint": self._part("score"),
        }

        def update() -> "Scores":
            assert tuned is not None
            effect = attribution.update_effect(
                base=lm, tuned=tuned, facts=facts, granularity=self.granularity, **options
            )
            return effect.map(lambda value: -value)  # useful is what lowered the loss

        attribute = partial(attribution.attribute, lm, facts, absolute=True, **options)
        table: dict[str, dict[str, Callable[[], Scores]]] = {
            "neuron": {
                "gradient_times_activation": attribute,
                "integrated_gradients": partial(attribute, steps=self.steps),
                "fisher": lambda: attribution.weight_fisher(lm, facts, **options).per_neuron(lm),
                "gate_fisher": partial(attribution.gate_fisher, lm, facts, **options),
                "gradient": partial(attribution.neuron_gradient, lm, facts, **options),
                "magnitude": partial(attribution.weight_norm, lm),
                "update": update,
                "activation_difference": lambda: attribution.activation_difference(
                    lm, unknown=read_sources(self.unknown), known=read_sources(self.known)
                ).abs(),
                "output_alignment": lambda: attribution.output_alignment(lm, direction).abs(),  # type: ignore[arg-type]
            },
            "coordinate": {
                "fisher": partial(attribution.weight_fisher, lm, facts, **options),
                "gradient": lambda: attribution.weight_gradient(lm, facts, **options).abs(),
                "gradient_times_weight": partial(attribution.gradient_times_weight, lm, facts, **options),
                "magnitude": partial(attribution.weight_magnitude, lm),
                "update": update,
            },
        }
        scores = table[self.granularity]
        if self.score not in scores:
            raise SeatError(
                f"There is no score {self.score} of granularity {self.granularity}. Take {', '.join(scores)}."
            )
        if self.metric == "kl_to_base" and self.score not in ("integrated_gradients", "update"):
            raise SeatError("kl_to_base has no gradient at the base: take --score integrated_gradients or update.")
        return scores[self.score]()


def _metric(name: str, direction: Any, base: "LanguageModel") -> "Metric":
    from seat_interp.attribution import AbstentionLogOdds, AnswerLoss, DirectionProjection, KLToBase, ReplyLoss
    from seat_interp.training.align import REFUSALS

    made: dict[str, Callable[[], Metric]] = {
        "answer_loss": AnswerLoss,
        "reply_loss": ReplyLoss,
        "kl_to_base": lambda: KLToBase(base),
        "abstention_log_odds": lambda: AbstentionLogOdds(REFUSALS),
        "direction_projection": lambda: DirectionProjection(direction),
    }
    return made[name]()
