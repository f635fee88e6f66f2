"""Random masks: the main setting of SEAT, and the baselines that every scored mask has to beat."""

import torch

from seat_interp.core.errors import SeatError
from seat_interp.masks.mask import Mask, neuron_mask
from seat_interp.models.axes import coordinate_axes
from seat_interp.models.open import LanguageModel


def random_neurons(lm: LanguageModel, budget: float | int = 0.1, seed: int = 0) -> Mask:
    """Draw a random share of the MLP neurons, the same share in every layer: a structured mask.

    Args:
        lm: Model with its tokenizer.
        budget: Share (float) of all MLP neurons, above 0 and up to 1, or their number (int). SEAT's own share is not
            published; 0.1 is ours.
        seed: Seed of the draw.

    Returns:
        The mask.

    Raises:
        SeatError: The budget is out of range or chooses nothing.

    Example:
        >>> round(si.random_neurons(lm, 0.25).budget, 2)
        0.25
    """
    chosen = _draw([mlp.neurons for mlp in lm.sites.mlps], budget, seed)
    return neuron_mask(lm, chosen, {"score": "random", "asked_budget": budget, "seed": seed})


def random_coordinates(lm: LanguageModel, budget: float | int = 0.1, seed: int = 0) -> Mask:
    """Draw a random share of the weights of the MLP and attention matrices, the same share in each: an unstructured
    mask.

    Args:
        lm: Model with its tokenizer.
        budget: Share (float) of these weights, above 0 and up to 1, or their number (int).
        seed: Seed of the draw.

    Returns:
        The mask.

    Raises:
        SeatError: The budget is out of range or chooses nothing.

    Example:
        >>> round(si.random_coordinates(lm, 0.1).budget, 2)
        0.1
    """
    axes = coordinate_axes(lm)
    chosen = _draw([extent.size for extent in axes.values()], budget, seed)
    indices = {name: places.sort().values.to(torch.int32) for name, places in zip(axes, chosen)}
    origin = {"score": "random", "asked_budget": budget, "seed": seed, "model": lm.fingerprint}
    return Mask("coordinate", indices, axes, origin)


def layer_matched(lm: LanguageModel, mask: Mask, seed: int = 0) -> Mask:
    """Draw a random mask with as many neurons of each layer, or weights of each matrix, as another has.

    It is the control that separates which neurons a score chooses from the layers in which it chooses them.

    Args:
        lm: Model with its tokenizer.
        mask: Mask whose counts are taken.
        seed: Seed of the draw.

    Returns:
        The random mask.

    Raises:
        SeatError: The mask is of another model.
    """
    mask.require_fits(lm)
    generator = torch.Generator().manual_seed(seed)
    origin = {"score": "random", "matched_to": dict(mask.origin), "seed": seed}
    origin["uses_evaluation_data"] = bool(mask.origin.get("uses_evaluation_data"))  # its counts may come from them
    if mask.granularity == "neuron":
        counts = [len(mask.indices[f"{mlp.down}.weight"]) for mlp in lm.sites.mlps]
        chosen = [torch.randperm(mlp.neurons, generator=generator)[:n].clone() for mlp, n in zip(lm.sites.mlps, counts)]
        return neuron_mask(lm, chosen, origin)
    indices = {
        name: torch.randperm(mask.axes[name].size, generator=generator)[: len(where)].sort().values.to(torch.int32)
        for name, where in mask.indices.items()
    }
    return Mask("coordinate", indices, mask.axes, {**origin, "model": lm.fingerprint})


def _draw(sizes: list[int], budget: float | int, seed: int) -> list[torch.Tensor]:
    """Places drawn from each of several ranges: of a share each range's own, a number as evenly as it goes."""
    generator = torch.Generator().manual_seed(seed)
    # Cloned: a slice would keep the whole permutation.
    return [torch.randperm(size, generator=generator)[:n].clone() for size, n in zip(sizes, _shares(sizes, budget))]


def _shares(sizes: list[int], budget: float | int) -> list[int]:
    total = sum(sizes)
    if isinstance(budget, float):
        if not 0 < budget <= 1:
            raise SeatError(f"The budget is {budget}; it is a share and must be above 0 and at most 1.")
        counts = [round(size * budget) for size in sizes]
        if 0 in counts:
            least = min(sizes)
            raise SeatError(f"A budget of {budget} of {least} chooses nothing. Ask for at least {1 / least:.1g}.")
        return counts
    if not 0 < budget <= total:
        raise SeatError(f"The budget is {budget} of {total:,}; ask for at least 1 and at most all.")
    return largest_remainders(sizes, budget)


def largest_remainders(sizes: list[int], count: int) -> list[int]:
    """Share out a number in proportion to sizes: whole numbers that sum to it, by largest remainders.

    Args:
        sizes: Sizes.
        count: Number to share out.

    Returns:
        One number for each size.
    """
    wanted = [count * size / sum(sizes) for size in sizes]
    counts = [int(part) for part in wanted]
    # The largest remainders get what rounding down has left over.
    for place in sorted(range(len(sizes)), key=lambda i: counts[i] - wanted[i])[: count - sum(counts)]:
        counts[place] += 1
    return counts
