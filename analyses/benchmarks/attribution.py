"""What scores cost: against one training step without its optimiser, and against Captum; memory as the data grow.

Every step begins with the same facts as text. Captum's integrated gradients over a list of layers replace the inputs of
all of them at once, so that gradients do not pass through later MLPs: other numbers than ours, at the same passes.

    python -m analyses.benchmarks.attribution

Writes analyses/results/benchmark_attribution.json. 8 rounds take 8 minutes on two cores.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro

from analyses.benchmarks.interleave import measure, rows
from analyses.benchmarks.models import SIZES, facts, load, parameters
from analyses.common.result_file import write_result
from seat_interp.attribution import AnswerLoss, attribute, gate_fisher, weight_fisher
from seat_interp.core.errors import reported
from seat_interp.facts import Names
from seat_interp.models.prompts import pad
from seat_interp.training.objectives import CrossEntropy, Draw

IG_STEPS = 8
BATCH = {"organism": 64, "125m": 8}
DATA = (1, 4, 16)
"""Batches in a data set, for the growth of memory."""


@dataclass(frozen=True)
class Options:
    """What to time."""

    sizes: tuple[str, ...] = SIZES
    """Models."""
    rounds: int = 15
    """Steps of each scheme that count."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def forward_backward(size: str) -> Iterator[Any]:
    """One training step without its optimiser: cross entropy of a batch, gradients of all weights."""
    lm, batch = load(size), facts(BATCH[size])
    yield lm
    lm.model.requires_grad_(True)

    def step() -> None:
        loss = CrossEntropy().prepare(lm, batch, Names(), 0)
        loss(lm, [Draw(i, 0) for i in range(len(batch))]).backward()
        lm.model.zero_grad(set_to_none=True)

    yield step


def scores(size: str, score: Callable[..., Any], batches: int = 1, **settings: Any) -> Iterator[Any]:
    """One of our scores over whole batches."""
    lm, data = load(size), facts(BATCH[size] * batches)
    yield lm
    yield partial(score, lm, data, batch_size=BATCH[size], **settings)


def captum(size: str, steps: int | None = None) -> Iterator[Any]:
    """Captum's score of every neuron of every layer: one call over all down projections' inputs."""
    from captum.attr import LayerGradientXActivation, LayerIntegratedGradients

    lm, batch = load(size), facts(BATCH[size])
    yield lm
    lm.model.requires_grad_(False)
    lm.model.get_input_embeddings().weight.requires_grad_(True)  # Captum needs a graph to begin with
    layers = [lm.model.get_submodule(mlp.down) for mlp in lm.sites.mlps]

    def losses(input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: torch.Tensor) -> torch.Tensor:
        # Integrated gradients repeat the batch for every step.
        out = lm.model(
            input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, use_cache=False
        ).logits
        starts = replies * (len(input_ids) // len(replies))
        found = []
        for row, ids, start in zip(out, input_ids, starts):
            found.append(torch.nn.functional.cross_entropy(row[start - 1 : -1], ids[start:]))
        return torch.stack(found)

    replies: list[int] = []
    if steps is None:
        method, settings = LayerGradientXActivation(losses, layers), {}
    else:
        method = LayerIntegratedGradients(losses, layers)
        settings = {"n_steps": steps, "internal_batch_size": len(batch)}

    def step() -> None:
        examples = AnswerLoss().prepare(lm, batch).examples
        replies[:] = [example.start - len(example.ids) for example in examples]
        inputs = pad([example.ids for example in examples], lm.tokenizer.pad_token_id, left=True)
        extra = (inputs.attention_mask, inputs.position_ids)
        method.attribute(inputs.input_ids, additional_forward_args=extra, attribute_to_layer_input=True, **settings)

    yield step


def main(options: Options) -> None:
    """Every scheme on every size."""
    found = []
    for size in options.sizes:
        about = {"model": size, "parameters": parameters(load(size)), "batch": BATCH[size]}
        schemes = {
            "forward_backward": partial(forward_backward, size),
            "gradient_times_activation": partial(scores, size, attribute),
            f"integrated_gradients_{IG_STEPS}": partial(scores, size, attribute, steps=IG_STEPS),
            "gate_fisher": partial(scores, size, gate_fisher),
            "weight_fisher": partial(scores, size, weight_fisher),
            "captum_gradient_times_activation": partial(captum, size),
            f"captum_integrated_gradients_{IG_STEPS}": partial(captum, size, IG_STEPS),
        }
        against = dict.fromkeys(schemes, "forward_backward")
        found += rows(measure(schemes, rounds=options.rounds, label=size), against, **about)
        growing = {
            f"gradient_times_activation, {n} batch{'es' * (n > 1)}": partial(scores, size, attribute, n) for n in DATA
        }
        first = next(iter(growing))
        grown = measure(growing, rounds=5, warm_up=1, label=f"{size}, growing data")
        found += rows(grown, dict.fromkeys(growing, first), **about)
    for row in found:
        print(f"{row['model']:9s} {row['scheme']:40s} {row['seconds']:8.3f} s  x {row['time_ratio']:6.2f}  "
              f"{row['peak_memory_mib']:8.1f} MiB")  # fmt: skip
    write_result(options.results / "benchmark_attribution.json", found, {"ig_steps": IG_STEPS})


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "attribution.py"))
