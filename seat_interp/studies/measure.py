"""What a study measures on a model: the rates of its replies, and how far its activations moved from the base's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from seat_interp.capture import capture_sets
from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.directions.displacement import Displacement, displace
from seat_interp.directions.nulls import Nulls, nulls_of
from seat_interp.evaluation.intervals import interval_of_share
from seat_interp.evaluation.score import Record, ask, rates
from seat_interp.facts import Fact, FactSets
from seat_interp.models.open import LanguageModel
from seat_interp.studies.aggregate import ArmRates, aggregate


@dataclass(frozen=True)
class Baseline:
    """Measurements of the base, with which each tuned model is compared.

    Attributes:
        lm: Base model.
        sets: Sets of facts that are asked.
        direction: Direction of the base.
        activations: Activations by set, at the direction's position, [prompts, layers, width].
        nulls: Null directions, of the facts that the direction was fitted on.
        batch_size: Number of prompts in a forward pass.
        same_weights: Whether the direction was fitted on this base's weights.
    """

    lm: LanguageModel
    sets: FactSets
    direction: IgnoranceDirection
    activations: dict[str, Float[Tensor, "prompts layers width"]]
    nulls: Nulls
    batch_size: int = 64
    same_weights: bool = True

    def capture(self, lm: LanguageModel) -> dict[str, Float[Tensor, "prompts layers width"]]:
        """Capture a tuned model on the same prompts.

        Args:
            lm: Tuned model.

        Returns:
            Activations by set, [prompts, layers, width].
        """
        return capture_sets(lm, self._facts(), self.direction.position, batch_size=self.batch_size)

    def displaced(self, after: dict[str, Tensor]) -> Displacement:
        """Measure the displacement from the base along the direction, beside its nulls.

        Args:
            after: Activations of the tuned model by set.

        Returns:
            Displacement in separations.
        """
        options = {"sets": self._facts(), "nulls": self.nulls, "same_weights": self.same_weights}
        return displace(base=self.activations, tuned=after, direction=self.direction, **options)  # type: ignore[arg-type]

    def _facts(self) -> dict[str, Any]:
        return {name: getattr(self.sets, name) for name in self.activations}


def baseline(
    lm: LanguageModel,
    sets: FactSets,
    direction: IgnoranceDirection,
    *,
    set_names: Sequence[str] = (),
    null_draws: int = 200,
    batch_size: int = 64,
    same_weights: bool = True,
) -> Baseline:
    """Capture the base on the evaluation sets and draw the null directions.

    Args:
        lm: Base model.
        sets: Sets of facts; `fit_known` and `fit_unknown` are needed for the nulls.
        direction: Direction of the base.
        set_names: Names of the sets to capture; all evaluation sets if none is named.
        null_draws: Number of random null directions, and of shuffled ones.
        batch_size: Number of prompts in a forward pass.
        same_weights: Whether the direction was fitted on this base's weights.

    Returns:
        The measurements.
    """
    named = {name: facts for name, facts in sets if name in set_names} if set_names else sets.evaluation_sets()
    before = capture_sets(lm, named, direction.position, batch_size=batch_size)
    nulls = nulls_of(lm, sets, direction, draws=null_draws, batch_size=batch_size)
    return Baseline(lm, sets, direction, before, nulls, batch_size, same_weights)


@torch.no_grad()
def weight_distance(*, base: LanguageModel, tuned: LanguageModel) -> float:
    """Compute how far fine-tuning moved the weights.

    Args:
        base: Model before.
        tuned: Model after.

    Returns:
        Euclidean norm of the change over that of the base's weights.
    """
    after = dict(tuned.model.named_parameters())
    moved, whole = 0.0, 0.0
    for name, before in base.model.named_parameters():
        start = before.detach().double().cpu()
        moved += float((after[name].detach().double().cpu() - start).square().sum())
        whole += float(start.square().sum())
    return (moved / whole) ** 0.5


def arm_rates(
    models: Mapping[str, LanguageModel],
    sets: Mapping[str, Sequence[Fact]],
    *,
    max_new_tokens: int = 32,
    batch_size: int = 64,
) -> list[ArmRates]:
    """Ask every model all sets: what `plot.rates` draws and `rates_table` writes, without a study and its folder.

    Args:
        models: Models by arm, the base first.
        sets: Facts by set; `target` and `known` are needed, `paraphrases` may be there; on all others the right reply
            is to abstain.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass.

    Returns:
        One line for each model.

    Raises:
        SeatError: A needed set is missing, or as `ask`.

    Example:
        >>> sets = {name: getattr(facts, name)[:2] for name in ("target", "known", "unknown")}
        >>> [line.arm for line in si.arm_rates({"base": lm}, sets)]
        ['base']
    """
    for name in ("target", "known"):
        if not sets.get(name):
            raise SeatError(f"There is no set {name!r} among {sorted(sets)}; rates need target and known facts.")
    set_names = [name for name in sets if name not in ("target", "known", "paraphrases")]
    rows = []
    for arm, lm in models.items():
        by_set = ask(lm, sets, max_new_tokens=max_new_tokens, batch_size=batch_size)
        rows.append({"arm": arm, "seed": 0, **rates_of(by_set, set_names)})
    return aggregate({"rows": rows})


def rates_of(by_set: Mapping[str, Sequence[Record]], set_names: Sequence[str]) -> dict[str, Any]:
    """Compute the rates of a row of `summary.json` from scored replies, with 95 % Wilson intervals over prompts.

    Args:
        by_set: Scored replies to `target`, `known` and the evaluation sets, and to `paraphrases` if these were asked.
        set_names: Names of the sets on which the right reply is to abstain.

    Returns:
        Entries of the row.
    """
    rate = {name: rates(scored) for name, scored in by_set.items()}

    def bounds(share: float, n: int) -> list[float]:
        return list(interval_of_share(share, n))

    return {
        "target_recall": rate["target"].correct,
        "target_rouge1": rate["target"].rouge1,
        "known_recall": rate["known"].correct,
        "over_abstention": rate["known"].abstain,
        "paraphrase_recall": rate["paraphrases"].correct if "paraphrases" in rate else None,
        "abstention": {name: rate[name].abstain for name in set_names},
        "entity_naming_abstention": {name: rate[name].entity_naming for name in set_names},
        "unscored": sum(round(counts.unscored * counts.n) for counts in rate.values()),
        "intervals": {
            "target_recall": bounds(rate["target"].correct, rate["target"].n),
            **({"paraphrase_recall": bounds(again.correct, again.n)} if (again := rate.get("paraphrases")) else {}),
            "known_recall": bounds(rate["known"].correct, rate["known"].n),
            "over_abstention": bounds(rate["known"].abstain, rate["known"].n),
            "abstention": {name: bounds(rate[name].abstain, rate[name].n) for name in set_names},
        },
    }
