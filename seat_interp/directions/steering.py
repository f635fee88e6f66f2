"""The causal check: does adding the direction make the model abstain, and does taking it out make it answer?"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from seat_interp.capture import Backend, BackendName, Edit, TorchHooks, open_backend
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.evaluation.abstention import is_abstention
from seat_interp.evaluation.generate import generate
from seat_interp.facts import Fact
from seat_interp.facts.records import require_facts
from seat_interp.models.open import LanguageModel, require_same_architecture


@contextlib.contextmanager
def add_direction(
    lm: Any,
    direction: IgnoranceDirection,
    factor: float = 2.0,
    layers: Sequence[int] | None = None,
    *,
    backend: BackendName | None = None,
) -> Iterator[Backend]:
    """Add `factor` times the separation along the direction from the end of the prompt on, within a block.

    The last token of whatever is run gets it: the prompt's last token, then each token that is generated (prompts must
    be padded on the left, as `generate` does). The hooks go at the end.

    Args:
        lm: Model to steer, in any form that `capture` takes; torch hooks change `lm.model` itself.
        direction: Direction fitted on a model of this architecture.
        factor: Number of separations; negative moves towards known.
        layers: Blocks after which it is added; the direction's own if None.
        backend: Name of the backend, as for `capture`.

    Yields:
        The backend, which `generate` and `capture` take in the model's place: with TransformerLens and nnsight it is
        what is steered.

    Raises:
        SeatError: The model is of another architecture, a layer does not exist, or as `open_backend`.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> question = [facts.known[0].question]
        >>> with si.add_direction(lm, direction, factor=0.0) as steered:
        ...     si.generate(steered, question) == si.generate(lm, question)
        True
    """
    runner = open_backend(lm, backend)
    direction.require_fits(runner.lm)
    chosen = runner.lm.sites.layer_list([direction.layer] if layers is None else layers)
    with runner.edit({layer: addition(direction.raw[layer], factor) for layer in chosen}):
        yield runner


@contextlib.contextmanager
def ablate_direction(
    lm: Any,
    direction: IgnoranceDirection,
    layers: Sequence[int] | None = None,
    *,
    backend: BackendName | None = None,
) -> Iterator[Backend]:
    """Remove the chosen layer's direction from the residual stream within a block (ablation as in 2406.11717).

    It is removed after every block and at every token: a model rewrites what is removed at one place only.

    Args:
        lm: Model to change, in any form that `capture` takes.
        direction: Direction fitted on a model of this architecture.
        layers: Blocks after which it is removed; all if None.
        backend: Name of the backend, as for `capture`.

    Yields:
        The backend, as `add_direction` does.

    Raises:
        SeatError: The model is of another architecture, a layer does not exist, or as `open_backend`.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> with si.ablate_direction(lm, direction) as ablated:
        ...     values = si.capture(ablated, [facts.unknown[0].question], layers=[direction.layer]).values
        >>> abs(float(values[0, 0].double() @ direction.vectors[direction.layer])) < 1e-3
        True
    """
    runner = open_backend(lm, backend)
    direction.require_fits(runner.lm)
    taken = ablation(direction.vectors[direction.layer])
    with runner.edit(dict.fromkeys(runner.lm.sites.layer_list(layers), taken)):
        yield runner


def addition(vector: Float[Tensor, " width"], factor: float = 1.0) -> Edit:
    """Make the edit that adds a vector at the last token; for TransformerLens and nnsight see `examples/hand_over.py`.

    Args:
        vector: Vector of the residual stream, [width], as `direction.raw[layer]`, which is one separation long.
        factor: Factor of the vector.

    Returns:
        The edit.
    """

    def add(hidden: Tensor) -> Tensor:
        moved = hidden.clone()
        moved[:, -1] += factor * vector.to(hidden)
        return moved

    return add


def ablation(unit: Float[Tensor, " width"]) -> Edit:
    """Make the edit that removes a unit vector's component at every token.

    Args:
        unit: Unit vector, [width].

    Returns:
        The edit.
    """

    def without(hidden: Tensor) -> Tensor:
        along = unit.to(hidden)
        return hidden - (hidden @ along)[..., None] * along

    return without


@contextlib.contextmanager
def patch_direction(
    lm: LanguageModel,
    *,
    source: LanguageModel,
    direction: IgnoranceDirection,
    layers: Sequence[int] | None = None,
    along: IgnoranceDirection | None = None,
) -> Iterator[None]:
    """Set the component along the direction to that of another model on the very same tokens, within a block.

    Activation patching along one direction: with a tuned model and its base as the source it puts back what fine-tuning
    displaced, and nothing else; the other way round it displaces the base. The source runs beside the model on
    everything that is fed to it, generated tokens included, with a cache of its own.

    Args:
        lm: Model to change.
        source: Another model of the same architecture; it stays as it is.
        direction: Direction, of which each patched layer takes its own vector.
        layers: Blocks after which it is patched; the direction's own if None.
        along: Direction in which the difference of the components is added; `direction` itself if None. A random one
            makes the control of equal length, token by token.

    Raises:
        SeatError: The source is of another architecture, or a layer does not exist.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> question = [facts.known[0].question]
        >>> with si.patch_direction(lm, source=lm.copy(), direction=direction):
        ...     patched = si.generate(lm, question)
        >>> patched == si.generate(lm, question)
        True
    """
    direction.require_fits(lm)
    require_same_architecture(source.architecture, lm.architecture, "The source")
    chosen = lm.sites.layer_list([direction.layer] if layers is None else layers)
    seen: dict[int, Tensor] = {}
    own: Any = None  # the source's cache

    @torch.no_grad()
    def beside(module: nn.Module, args: tuple, given: dict[str, Any]) -> None:
        nonlocal own
        name = next((name for name in ("cache", "past_key_values") if given.get(name) is not None), None)
        if name is not None and given[name].get_seq_length() == 0:
            own = deepcopy(given[name])  # an empty one of the same kind: a new text begins
        source.model(*args, **{**given, **({name: own} if name else {"use_cache": False})})

    def keep(layer: int) -> Callable[[Tensor], Tensor]:
        def look(hidden: Tensor) -> Tensor:
            seen[layer] = hidden
            return hidden

        return look

    def edit(layer: int) -> Callable[[Tensor], Tensor]:
        def patched(hidden: Tensor) -> Tensor:
            unit, put = (path.vectors[layer].to(hidden) for path in (direction, along or direction))
            return hidden + ((seen[layer] - hidden) @ unit)[..., None] * put

        return patched

    with (
        lm.model.register_forward_pre_hook(beside, with_kwargs=True),
        TorchHooks(source).edit({layer: keep(layer) for layer in chosen}),
        TorchHooks(lm).edit({layer: edit(layer) for layer in chosen}),
    ):
        yield


def random_like(direction: IgnoranceDirection, seed: int) -> IgnoranceDirection:
    """Draw a random direction with the same separation at each layer: the norm-matched control.

    Args:
        direction: Direction to imitate.
        seed: Seed of the draw.

    Returns:
        The random direction.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> bool((si.random_like(direction, seed=0).separation == direction.separation).all())
        True
    """
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(direction.vectors.shape, generator=generator, dtype=torch.float64)
    return replace(direction, vectors=vectors / vectors.norm(dim=-1, keepdim=True))


@dataclass(frozen=True)
class SteeringCheck:
    """Abstention rates under steering, from 0 to 1.

    Attributes:
        known: Rate on known prompts of the model as it is.
        unknown: Rate on unknown prompts of the model as it is.
        known_added: Rate on known prompts with the direction added.
        unknown_ablated: Rate on unknown prompts with the direction ablated.
        random_added: Rates on known prompts with norm-matched random directions added.
        random_ablated: Rates on unknown prompts with random directions ablated.
        layer: Layer after which the direction was added.
        factor: Number of separations that were added.
        prompts: Number of known and of unknown prompts.
    """

    known: float
    unknown: float
    known_added: float
    unknown_ablated: float
    random_added: tuple[float, ...]
    random_ablated: tuple[float, ...]
    layer: int
    factor: float
    prompts: tuple[int, int]

    @property
    def found(self) -> bool:
        """Whether adding raises and ablating lowers abstention, each beyond every random direction's effect."""
        added = self.known_added > max([self.known, *self.random_added])
        return added and self.unknown_ablated < min([self.unknown, *self.random_ablated])

    def to_json(self) -> dict:
        """Return the check for the run folder.

        Returns:
            JSON object.
        """
        return {**asdict(self), "found": self.found}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "SteeringCheck":
        """Make a check from what `to_json` gave, such as the `steering` of a base's row.

        Args:
            saved: JSON object.

        Returns:
            The check.
        """
        given: dict[str, Any] = {name: value for name, value in saved.items() if name != "found"}
        given |= {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        return cls(**given)


def abstention_rate(lm: LanguageModel, facts: Sequence[Fact], max_new_tokens: int = 24) -> float:
    """Return the share of questions that the model, steered or not, abstains on.

    Args:
        lm: Model; within `add_direction` and its like, it is steered by them.
        facts: Facts whose questions are asked.
        max_new_tokens: Largest number of tokens in a reply.

    Returns:
        Share from 0 to 1.

    Raises:
        SeatError: There are no facts, or as `generate`.
    """
    replies = generate(lm, [fact.question for fact in facts], max_new_tokens=max_new_tokens, progress=False)
    return sum(map(is_abstention, replies)) / len(replies)


def choose_addition(
    lm: LanguageModel,
    direction: IgnoranceDirection,
    known: Sequence[Fact],
    factors: Sequence[float] = (1.0, 2.0),
) -> tuple[int, float]:
    """Choose the layer and factor whose addition makes most of the known prompts abstain; report on other prompts.

    The direction's layer and those at a third and at half of the depth are tried: where a direction is easiest to read
    is not always where it is easiest to write.

    Args:
        lm: Model that the direction was fitted on.
        direction: Direction to add.
        known: Facts that the model answers.
        factors: Numbers of separations to try.

    Returns:
        Layer and factor.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> layer, factor = si.choose_addition(lm, direction, facts.fit_known[:2], factors=(2.0,))
        >>> factor
        2.0
    """
    depth = lm.sites.n_layers
    tried = itertools.product(sorted({direction.layer, depth // 3, depth // 2}), factors)

    def rate(choice: tuple[int, float]) -> float:
        with add_direction(lm, direction, choice[1], [choice[0]]):
            return abstention_rate(lm, known)

    return max(tried, key=rate)


def check_steering(
    lm: LanguageModel,
    direction: IgnoranceDirection,
    *,
    unknown: Sequence[Fact],
    known: Sequence[Fact],
    layer: int | None = None,
    factor: float = 2.0,
    controls: int = 3,
    seed: int = 0,
) -> SteeringCheck:
    """Add and ablate the direction while the model replies, and do the same with random directions.

    Args:
        lm: Model that the direction was fitted on.
        direction: Direction to check.
        unknown: Facts on which ablation should lower abstention; not those of the fit.
        known: Facts on which addition should raise it.
        layer: Block after which it is added; the direction's own if None (see `choose_addition`).
        factor: Number of separations to add.
        controls: Number of random directions.
        seed: Seed of the random directions.

    Returns:
        Abstention rates, with those of the controls.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> check = si.check_steering(lm, direction, unknown=facts.unknown[:2], known=facts.known[:2], controls=1)
        >>> check.known, check.prompts
        (0.0, (2, 2))
    """
    require_facts(unknown=unknown, known=known)
    layer = direction.layer if layer is None else layer

    def added(vector: IgnoranceDirection) -> float:
        with add_direction(lm, vector, factor, [layer]):
            return abstention_rate(lm, known)

    def ablated(vector: IgnoranceDirection) -> float:
        with ablate_direction(lm, vector):
            return abstention_rate(lm, unknown)

    others = [random_like(direction, seed + number) for number in range(controls)]
    return SteeringCheck(
        known=abstention_rate(lm, known),
        unknown=abstention_rate(lm, unknown),
        known_added=added(direction),
        unknown_ablated=ablated(direction),
        random_added=tuple(map(added, others)),
        random_ablated=tuple(map(ablated, others)),
        layer=layer,
        factor=factor,
        prompts=(len(unknown), len(known)),
    )
