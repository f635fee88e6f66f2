"""The causal check: does adding the direction make the model abstain, and does taking it out make it answer?"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from seat_interp.direction import IgnoranceDirection
from seat_interp.evaluation.abstention import is_abstention
from seat_interp.evaluation.generate import generate
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel


@contextlib.contextmanager
def add_direction(
    lm: LanguageModel, direction: IgnoranceDirection, factor: float = 2.0, layers: Sequence[int] | None = None
) -> Iterator[None]:
    """Within the block, add `factor` times the gap along the direction from the end of the prompt on.

    The last token of whatever is run gets it: the prompt's last token, then each token that is generated
    (prompts must be padded on the left, as `generate` does). `lm.model` itself is hooked; the hooks go at the end.

    Args:
        lm: the model to steer.
        direction: fitted on a model of this architecture.
        factor: in units of the gap; negative moves towards known.
        layers: after which blocks; the direction's own if None.

    Raises:
        SeatError: another architecture, or a layer that does not exist.
    """
    direction.require_fits(lm)
    chosen = lm.sites.layer_list([direction.layer] if layers is None else layers)

    def edit(vector: Tensor) -> Callable[[Tensor], Tensor]:
        def at_end(hidden: Tensor) -> Tensor:
            moved = hidden.clone()
            moved[:, -1] += factor * vector.to(hidden)
            return moved

        return at_end

    with _edit_blocks(lm, {layer: edit(direction.raw[layer]) for layer in chosen}):
        yield


@contextlib.contextmanager
def ablate_direction(
    lm: LanguageModel, direction: IgnoranceDirection, layers: Sequence[int] | None = None
) -> Iterator[None]:
    """Within the block, move every token's component along the direction to where known prompts have it.

    At every layer and position: a model re-writes what is taken out at one place only. The component is set to
    the known mean, not to zero: zero is no neutral place in a residual stream that is not centred.

    Args:
        lm: the model to change.
        direction: fitted on a model of this architecture.
        layers: after which blocks; all if None.

    Raises:
        SeatError: another architecture, or a layer that does not exist.
    """
    direction.require_fits(lm)

    def edit(vector: Tensor, known: Tensor) -> Callable[[Tensor], Tensor]:
        def everywhere(hidden: Tensor) -> Tensor:
            unit = vector.to(hidden)
            return hidden + (known.to(hidden) - hidden @ unit)[..., None] * unit

        return everywhere

    chosen = lm.sites.layer_list(layers)
    with _edit_blocks(lm, {la: edit(direction.vectors[la], direction.known[la]) for la in chosen}):
        yield


@contextlib.contextmanager
def _edit_blocks(lm: LanguageModel, edits: dict[int, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    def hook(edit: Callable[[Tensor], Tensor]):
        def apply(module: nn.Module, args: tuple, output):
            return (edit(output[0]), *output[1:]) if isinstance(output, tuple) else edit(output)

        return apply

    handles = [
        lm.model.get_submodule(lm.sites.blocks[layer]).register_forward_hook(hook(edit)) for layer, edit in edits.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def random_like(direction: IgnoranceDirection, seed: int) -> IgnoranceDirection:
    """A random direction with the same gap at each layer, and the known mean where its own would be (zero)."""
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(direction.vectors.shape, generator=generator, dtype=torch.float64)
    return replace(direction, vectors=vectors / vectors.norm(dim=-1, keepdim=True))


@dataclass(frozen=True)
class SteeringCheck:
    """Abstention rates under steering; `random_*` are one rate for each random direction.

    Attributes:
        known, unknown: of the model as it is.
        known_added: known prompts with the direction added.
        unknown_ablated: unknown prompts with the direction taken out.
        random_added, random_ablated: the same with norm-matched random directions.
        layers: after which the direction was added.
        factor: how much was added, in gaps.
    """

    known: float
    unknown: float
    known_added: float
    unknown_ablated: float
    random_added: tuple[float, ...]
    random_ablated: tuple[float, ...]
    layers: tuple[int, ...]
    factor: float

    @property
    def found(self) -> bool:
        """Whether adding raises and ablating lowers abstention, each beyond every random direction's effect."""
        added = self.known_added > max(self.known, *self.random_added)
        return added and self.unknown_ablated < min(self.unknown, *self.random_ablated)

    def to_json(self) -> dict:
        """For the run folder."""
        return {**asdict(self), "found": self.found}


def check_steering(
    lm: LanguageModel,
    direction: IgnoranceDirection,
    unknown: Sequence[Fact],
    known: Sequence[Fact],
    *,
    factor: float = 2.0,
    layers: Sequence[int] | None = None,
    controls: int = 3,
    seed: int = 0,
    max_new_tokens: int = 24,
) -> SteeringCheck:
    """Add and ablate the direction while the base replies, and the same with random directions.

    Args:
        lm: the model that the direction was fitted on.
        direction: to be checked.
        unknown: prompts on which ablating should lower abstention; not those of the fit.
        known: prompts on which adding should raise it.
        factor: how much to add, in gaps.
        layers: after which blocks to add; the direction's own if None.
        controls: random directions.
        seed: of the random directions.
        max_new_tokens: of each reply.
    """

    def abstention(facts: Sequence[Fact], around=None) -> float:
        with around or contextlib.nullcontext():
            replies = generate(lm, [fact.question for fact in facts], max_new_tokens=max_new_tokens, progress=False)
        return sum(map(is_abstention, replies)) / len(replies)

    others = [random_like(direction, seed + number) for number in range(controls)]
    centred = [_known_mean_of(lm, other, known) for other in others]
    return SteeringCheck(
        known=abstention(known),
        unknown=abstention(unknown),
        known_added=abstention(known, add_direction(lm, direction, factor, layers)),
        unknown_ablated=abstention(unknown, ablate_direction(lm, direction)),
        random_added=tuple(abstention(known, add_direction(lm, other, factor, layers)) for other in others),
        random_ablated=tuple(abstention(unknown, ablate_direction(lm, other)) for other in centred),
        layers=tuple(lm.sites.layer_list([direction.layer] if layers is None else layers)),
        factor=factor,
    )


def _known_mean_of(lm: LanguageModel, direction: IgnoranceDirection, known: Sequence[Fact]) -> IgnoranceDirection:
    """The direction with the mean projection of known prompts along it, so that ablating it is a fair control."""
    from seat_interp.capture import AtToken, capture

    values = capture(lm, [fact.question for fact in known], reduce=AtToken(direction.position), progress=False).values
    return replace(direction, known=direction.project(values).mean(0))
