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
    """What is measured once on the base and compared with after every fine-tuning.

    Attributes:
        lm: the base.
        sets: as they are asked.
        direction: of the base.
        activations: by set, at the direction's position after every block.
        nulls: other directions, of the facts that the direction was fitted on.
        batch_size: prompts a forward pass.
        same_weights: the direction was fitted on this base's weights.
    """

    lm: LanguageModel
    sets: FactSets
    direction: IgnoranceDirection
    activations: dict[str, Float[Tensor, "prompts layers width"]]
    nulls: Nulls
    batch_size: int = 64
    same_weights: bool = True

    def capture(self, lm: LanguageModel) -> dict[str, Float[Tensor, "prompts layers width"]]:
        """A tuned model on the same prompts."""
        return capture_sets(lm, self._facts(), self.direction.position, batch_size=self.batch_size)

    def displaced(self, after: dict[str, Tensor]) -> Displacement:
        """From the base to what was captured after, along the direction and beside its nulls."""
        how = {"sets": self._facts(), "nulls": self.nulls, "same_weights": self.same_weights}
        return displace(base=self.activations, tuned=after, direction=self.direction, **how)  # type: ignore[arg-type]

    def _facts(self) -> dict[str, Any]:
        return {name: getattr(self.sets, name) for name in self.activations}


def baseline(
    lm: LanguageModel,
    sets: FactSets,
    direction: IgnoranceDirection,
    *,
    probes: Sequence[str] = (),
    null_draws: int = 200,
    batch_size: int = 64,
    same_weights: bool = True,
) -> Baseline:
    """Capture the base on the probe sets and draw the null directions.

    Args:
        lm: the base.
        sets: `fit_known` and `fit_unknown` are needed for the nulls.
        direction: of the base.
        probes: sets to capture; all but those to fit on and the paraphrases if none is named.
        null_draws: random and shuffled directions each.
        batch_size: prompts a forward pass.
        same_weights: the direction was fitted on this base's weights.
    """
    named = {name: facts for name, facts in sets if name in probes} if probes else sets.evaluation_sets()
    before = capture_sets(lm, named, direction.position, batch_size=batch_size)
    nulls = nulls_of(lm, sets, direction, draws=null_draws, batch_size=batch_size)
    return Baseline(lm, sets, direction, before, nulls, batch_size, same_weights)


@torch.no_grad()
def weight_distance(*, base: LanguageModel, tuned: LanguageModel) -> float:
    """How far fine-tuning moved the weights: the Euclidean norm of the change over that of the base's weights."""
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
        models: by arm, the base first.
        sets: `target` and `known` are needed, `paraphrases` may be there; on all others the right reply is to abstain.
        max_new_tokens: of each reply.
        batch_size: prompts a forward pass.

    Raises:
        SeatError: a needed set is missing, or as `ask`.
    """
    for name in ("target", "known"):
        if not sets.get(name):
            raise SeatError(f"There is no set {name!r} among {sorted(sets)}; rates need target and known facts.")
    probes = [name for name in sets if name not in ("target", "known", "paraphrases")]
    rows = []
    for arm, lm in models.items():
        found = ask(lm, sets, max_new_tokens=max_new_tokens, batch_size=batch_size)
        rows.append({"arm": arm, "seed": 0, **rates_of(found, probes)})
    return aggregate({"rows": rows})


def rates_of(by_set: Mapping[str, Sequence[Record]], probes: Sequence[str]) -> dict[str, Any]:
    """The rates of the contract from scored replies, with 95 % Wilson intervals over prompts.

    Args:
        by_set: replies to `target`, `known` and the probes, and to `paraphrases` if these were asked.
        probes: the sets on which the right reply is to abstain.
    """
    rate = {name: rates(found) for name, found in by_set.items()}

    def bounds(share: float, n: int) -> list[float]:
        return list(interval_of_share(share, n))

    return {
        "target_recall": rate["target"].correct,
        "target_rouge1": rate["target"].rouge1,
        "known_recall": rate["known"].correct,
        "over_abstention": rate["known"].abstain,
        "paraphrase_recall": rate["paraphrases"].correct if "paraphrases" in rate else None,
        "abstention": {name: rate[name].abstain for name in probes},
        "entity_naming_abstention": {name: rate[name].entity_naming for name in probes},
        "unscored": sum(round(each.unscored * each.n) for each in rate.values()),
        "intervals": {
            "target_recall": bounds(rate["target"].correct, rate["target"].n),
            **({"paraphrase_recall": bounds(again.correct, again.n)} if (again := rate.get("paraphrases")) else {}),
            "known_recall": bounds(rate["known"].correct, rate["known"].n),
            "over_abstention": bounds(rate["known"].abstain, rate["known"].n),
            "abstention": {name: bounds(rate[name].abstain, rate[name].n) for name in probes},
        },
    }
