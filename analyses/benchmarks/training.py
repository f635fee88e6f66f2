"""What a training step costs within a mask: full, LoRA, PEFT's SHiRA, gradient times mask, our neurons, our weights.

    python -m analyses.benchmarks.training

Equal shares, as near as a rank allows (`trained` in the rows): of the MLP weights for neurons and LoRA, of the MLP and
attention weights for single weights, SHiRA and the masked gradient. Each scheme has AdamW. Writes
analyses/results/benchmark_training.json. 5 rounds took 14 minutes on two cores.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import nn

from analyses.benchmarks.interleave import measure, rows
from analyses.benchmarks.models import SIZES, facts, load, parameters
from analyses.common.result_file import write_result
from seat_interp.core.errors import reported
from seat_interp.masks.attach import attach
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.models.axes import coordinate_axes, neuron_axes
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import encode_examples, pad

BATCH = {"organism": 64, "125m": 4}


@dataclass(frozen=True)
class Options:
    """What to time."""

    sizes: tuple[str, ...] = SIZES
    """Models."""
    shares: tuple[float, ...] = (0.001, 0.01, 0.1)
    """Budgets."""
    rounds: int = 15
    """Steps of each scheme that count."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def training_step(
    lm: LanguageModel, model: nn.Module, size: str, trained: Iterable[nn.Parameter], before: Callable[[], Any] = int
) -> Callable[[], None]:
    """Forward, backward, `before`, AdamW; on the same batch each time."""
    batch = facts(BATCH[size])
    examples = encode_examples(lm, [fact.question for fact in batch], [fact.answer for fact in batch])
    padded = pad([example.ids for example in examples], lm.tokenizer.pad_token_id)
    labels = padded.input_ids.masked_fill(padded.attention_mask == 0, -100)
    optimiser = torch.optim.AdamW(trained, lr=1e-6)
    model.train()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        model(**padded.inputs(), labels=labels, use_cache=False).loss.backward()
        before()
        optimiser.step()

    return step


def full(size: str) -> Iterator[Any]:
    """Every weight."""
    lm = load(size)
    yield lm
    yield training_step(lm, lm.model, size, lm.model.requires_grad_(True).parameters())


def _mlp_shapes(lm: LanguageModel) -> list[tuple[int, ...]]:
    return [extent.shape for layer in neuron_axes(lm) for extent in layer.values()]


def _all_shapes(lm: LanguageModel) -> list[tuple[int, ...]]:
    return [extent.shape for extent in coordinate_axes(lm).values()]


def rank_of(shapes: list[tuple[int, ...]], share: float) -> tuple[int, int]:
    """The rank, at least 1, whose factors hold nearest this share of the matrices' weights, and how many they hold."""
    each = sum(r + c for r, c in shapes)
    rank = max(1, round(share * sum(r * c for r, c in shapes) / each))
    return rank, rank * each


def trained_weights(lm: LanguageModel, share: float) -> dict[str, int]:
    """How many weights each scheme's optimiser may change."""
    weights = sum(r * c for r, c in _all_shapes(lm))
    return {
        "full": parameters(lm),
        "lora": rank_of(_mlp_shapes(lm), share)[1],
        "shira": rank_of(_all_shapes(lm), share)[1],
        "gradient_times_mask": round(share * weights),
        "neurons": len(random_neurons(lm, share)),
        "coordinates": len(random_coordinates(lm, share)),
    }


def lora(size: str, share: float) -> Iterator[Any]:
    """PEFT's LoRA on the MLP matrices, as large as a neuron mask of this share."""
    from peft import LoraConfig, get_peft_model

    lm = load(size)
    yield lm
    rank, _ = rank_of(_mlp_shapes(lm), share)
    targets = [name.removesuffix(".weight") for layer in neuron_axes(lm) for name in layer]
    model = get_peft_model(lm.model, LoraConfig(r=rank, target_modules=targets))  # type: ignore[arg-type]
    yield training_step(lm, model, size, [p for p in model.parameters() if p.requires_grad])


def shira(size: str, share: float) -> Iterator[Any]:
    """PEFT's SHiRA with its random mask on the MLP and attention matrices."""
    from peft import ShiraConfig, get_peft_model

    lm = load(size)
    yield lm
    rank, _ = rank_of(_all_shapes(lm), share)
    targets = [name.removesuffix(".weight") for name in coordinate_axes(lm)]
    config = ShiraConfig(r=rank, mask_type="random", random_seed=0, target_modules=targets)
    model = get_peft_model(lm.model, config)  # type: ignore[arg-type]
    yield training_step(lm, model, size, [p for p in model.parameters() if p.requires_grad])


def masked_gradient(size: str, share: float) -> Iterator[Any]:
    """Whole matrices are trained, their gradients multiplied by a dense mask: how sparse tuning is often done."""
    lm = load(size)
    yield lm
    mask = random_coordinates(lm, share)
    lm.model.requires_grad_(False)
    trained = {name: lm.model.get_parameter(name).requires_grad_(True) for name in mask.indices}
    dense = {name: mask.dense(name) for name in trained}

    def multiply() -> None:
        for name, parameter in trained.items():
            assert parameter.grad is not None
            parameter.grad.mul_(dense[name])

    yield training_step(lm, lm.model, size, trained.values(), multiply)


def masked(size: str, share: float, draw: Callable[..., Any]) -> Iterator[Any]:
    """Our neuron or coordinate mask."""
    lm = load(size)
    yield lm
    yield training_step(lm, lm.model, size, attach(lm.model, draw(lm, share)).parameters.values())


def main(options: Options) -> None:
    """Every scheme on every size at every share."""
    found = []
    for size in options.sizes:
        lm = load(size)
        about = {"model": size, "parameters": parameters(lm), "batch": BATCH[size]}
        for share in options.shares:
            if round(share * lm.sites.mlps[0].neurons) == 0:
                continue  # not one neuron a layer
            schemes = {
                "full": partial(full, size),
                "lora": partial(lora, size, share),
                "shira": partial(shira, size, share),
                "gradient_times_mask": partial(masked_gradient, size, share),
                "neurons": partial(masked, size, share, random_neurons),
                "coordinates": partial(masked, size, share, random_coordinates),
            }
            trained = trained_weights(lm, share)
            timed = measure(schemes, rounds=options.rounds, label=f"{size}, {share:g}")
            others = {"neurons": ("full", "lora"), "coordinates": ("full", "shira")}
            for rival in ("full", "lora", "shira"):
                kept = {n: m for n, m in timed.items() if rival in others.get(n, ("full",))} | {rival: timed[rival]}
                made = rows(kept, dict.fromkeys(kept, rival), share=share, **about)
                made = [row | {"trained": trained[row["scheme"]]} for row in made]
                found += [row for row in made if row["scheme"] != rival or rival == "full"]
    for row in found:
        times, memory = row["time_ratio"], row["memory_ratio"]
        print(
            f"{row['model']:9s} {row['share']:6g} {row['scheme']:20s} {row['seconds']:7.3f} s, x {times:.2f}; ", end=""
        )
        print(f"{row['peak_memory_mib']:6.0f} MiB, x {memory:.2f}, against {row['against']}")
    write_result(options.results / "benchmark_training.json", found, {"optimiser": "AdamW"})


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "training.py"))
