"""The command line: one dataclass a command; help, types and nested settings come from their fields."""

import os
import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Positional, subcommand

from seat_interp.config import override
from seat_interp.errors import SeatError, reported
from seat_interp.files import read_json
from seat_interp.organism.settings import ORGANISM
from seat_interp.study import StudyConfig

DESCRIPTION = "What fine-tuning does to a model's ability to say 'I do not know', and how to keep it."

FLAT = tyro.conf.arg(name="")

_file: ContextVar[str | None] = ContextVar("file", default=None)
"""The `--config` file of this call."""


def _study_settings(default: StudyConfig) -> StudyConfig:
    """The defaults of a command, with what the settings file says otherwise."""
    path = _file.get()
    return override(default, read_json(path), path) if path else default


@dataclass(frozen=True)
class Demo:
    """The main job on the embedded organism: base, full fine-tuning and SEAT, with a report. A minute or two.

    Teaches the organism new people or contracts, and shows what that does to its ignorance direction and to its
    abstention on everybody else. `run` does the same for any model and facts. `--config FILE` takes the settings
    of the study (`arms`, `seeds` and all below them) from a JSON object, nested where the names have dots.
    """

    target: Literal["people", "contracts"] = "people"
    """What to teach."""
    out: Path = Path("runs/demo")
    """Run folder; the same folder goes on where it was cut off."""
    study: Annotated[StudyConfig, FLAT] = field(default_factory=lambda: _study_settings(ORGANISM))

    def run(self) -> None:
        """Run the study and write its report."""
        from seat_interp.models.open import open_model
        from seat_interp.organism import organism_facts

        about = {"facts": f"organism, {self.target}"}
        _study(open_model("organism"), organism_facts(self.target), self.study, self.out, about)


@dataclass(frozen=True)
class Run:
    """The main job on any model and facts: what fine-tuning does to its ignorance, arm by arm.

    Fact files may be JSONL (question, answer, subject), PISTOL, TOFU, EntityQuestions, LUNAR, countries,
    relations, or `hf:DATASET` for a Hugging Face data set. Several files of one kind are joined.

    `--config FILE` takes the settings of the study (`arms`, `seeds` and all below them) from a JSON object, nested
    where the names have dots.

    Example: seat-interp run --model ./my-model --target new.jsonl --known known.jsonl --unknown unknown.jsonl
    """

    model: str
    """A Hugging Face folder, a hub id, or a catalogue name: organism, smollm2-135m-instruct."""
    target: tuple[str, ...]
    """Facts to teach, with answers, and with subjects as written in the questions."""
    known: tuple[str, ...]
    """Facts that the model answers right; what it gets wrong is left out unless --trust-known."""
    unknown: tuple[str, ...]
    """Questions about entities that nobody taught it; answers are not used."""
    neighbour: tuple[str, ...] = ()
    """Unknown entities in the same form as the target facts."""
    cross_domain: tuple[str, ...] = ()
    """Unknown entities of another domain."""
    unverifiable: tuple[str, ...] = ()
    """Questions on invented things."""
    most: int = 400
    """Ask at most so many facts of each kind, evenly spaced over the file; target facts are all taught."""
    trust_known: bool = False
    """Do not ask the model first whether it knows the known facts."""
    system: str | None = None
    """System prompt; the chat template's own if not given."""
    direction: Path | None = None
    """A direction file to use instead of fitting one."""
    out: Path = Path("runs/study")
    """Run folder; the same folder goes on where it was cut off."""
    study: Annotated[StudyConfig, FLAT] = field(default_factory=lambda: _study_settings(StudyConfig()))

    def run(self) -> None:
        """Read the facts, run the study and write its report."""
        from seat_interp.direction import IgnoranceDirection
        from seat_interp.evaluation.knowledge import split_by_knowledge
        from seat_interp.facts import FactSets
        from seat_interp.facts.sources import evenly, read_sources
        from seat_interp.models.open import open_model

        kinds = ("target", "known", "unknown", "neighbour", "cross_domain", "unverifiable")
        facts = {kind: read_sources(getattr(self, kind)) for kind in kinds if getattr(self, kind)}
        for kind, found in facts.items():
            if kind != "target" and len(found) > self.most:  # all that is to be taught is taught
                print(f"Of {len(found)} {kind.replace('_', '-')} facts, {self.most} are asked (--most).")
                facts[kind] = evenly(found, self.most)
        lm, every_known = open_model(self.model, system=self.system), facts["known"]
        if not self.trust_known:
            facts["known"], missed = split_by_knowledge(lm, facts["known"], batch_size=self.study.batch_size)
            print(f"It knows {len(facts['known'])} of {len(facts['known']) + len(missed)} known facts.")
        about = {"facts": {kind: list(getattr(self, kind)) for kind in kinds}}
        everybody = FactSets(known=every_known).names().avoid
        direction = IgnoranceDirection.load(self.direction) if self.direction else None
        _study(lm, FactSets(**facts, reserved=everybody), self.study, self.out, about, direction)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Align:
    """Teach a model to say that it does not know: what SEAT needs to have something to keep.

    Known facts that the model gets wrong are left out; refusals are mixed in half and half.
    """

    model: str
    """A Hugging Face folder, a hub id, or a catalogue name."""
    known: tuple[str, ...]
    """Fact files with answers."""
    unknown: tuple[str, ...]
    """Fact files with questions that it cannot answer."""
    out: Path
    """Folder for the aligned model."""
    steps: int = 80
    """Optimiser steps. More cost knowledge: stop where it abstains."""
    batch_size: int = 16
    """Questions a step."""
    learning_rate: float = 2e-5
    """AdamW's peak."""
    seed: int = 0
    """Of the mixture."""
    most: int = 1000
    """At most so many facts of each kind."""
    system: str | None = None
    """System prompt; the chat template's own if not given."""

    def run(self) -> None:
        """Align and save."""
        from seat_interp.evaluation.knowledge import split_by_knowledge
        from seat_interp.facts.sources import evenly, read_sources
        from seat_interp.models.open import open_model, require_new, save_model
        from seat_interp.training.align import align_abstention
        from seat_interp.training.trainer import TrainConfig

        known, unknown = (evenly(read_sources(sources), self.most) for sources in (self.known, self.unknown))
        require_new(self.out)
        lm = open_model(self.model, system=self.system)
        known, missed = split_by_knowledge(lm, known)
        print(f"It knows {len(known)} of {len(known) + len(missed)} facts.")
        config = TrainConfig(
            steps=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            seed=self.seed,
            checkpoint_every=20,
        )
        checkpoint = str(self.out.with_name(self.out.name + ".checkpoint"))
        aligned = align_abstention(lm, unknown, known, config=config, checkpoint=checkpoint)
        save_model(aligned.model, self.out)
        Path(checkpoint).unlink(missing_ok=True)
        print(f"Aligned model: {self.out}")


@dataclass(frozen=True)
class Fetch:
    """Get a model of the catalogue and keep it in the cache, ready to open by its name."""

    name: Positional[str] = "smollm2-135m-instruct"
    """Which model."""

    def run(self) -> None:
        """Fetch and say where it is."""
        from seat_interp.models.fetch import fetch

        print(f"{self.name}: {fetch(self.name)}")


@dataclass(frozen=True)
class Organism:
    """Make the embedded organism again from its recipe, check what it must reach, and save it. Minutes."""

    action: Positional[Literal["build", "check"]]
    """`build` trains a new one; `check` measures the shipped one against the same bounds."""
    out: Path = Path("runs/organism")
    """Folder for the model that `build` makes; one that falls short goes to the same name with `.failed`."""
    seed: int = 0
    """Of the weights and order of `build`."""

    def run(self) -> None:
        """Build or check."""
        from seat_interp.models.open import open_model, require_new
        from seat_interp.organism import quality, recipe

        settings = recipe.Recipe(seed=self.seed)
        failed = self.out.with_name(f"{self.out.name}.failed")
        if self.action == "build":
            require_new(self.out), require_new(failed)
        lm = recipe.build(settings) if self.action == "build" else open_model("organism")
        measured, told = quality.measure(lm), quality.tell(lm)
        for name, rate in {**measured, **told}.items():
            print(f"{name:28s} {rate:.3f}")
        folder = failed
        try:
            quality.check(measured)
            quality.check_story(told)
            folder = self.out
        finally:
            if self.action == "build":
                recipe.save(lm, folder, measured, settings)
                print(f"Organism: {folder}")
        print("It has the quality it must have.")


Command = (
    Annotated[Demo, subcommand("demo")]
    | Annotated[Run, subcommand("run")]
    | Annotated[Align, subcommand("align")]
    | Annotated[Fetch, subcommand("fetch")]
    | Annotated[Organism, subcommand("organism")]
)


def _study(lm, sets, config: StudyConfig, out: Path, about: dict, direction=None) -> None:
    from seat_interp.results.report import write_report
    from seat_interp.results.tables import print_summary
    from seat_interp.study import run_study

    summary = run_study(lm, sets, config, out, direction=direction, about=about)
    print_summary(summary)
    print(f"Report: {write_report(out)}")


def _take_settings_file(arguments: list[str]) -> tuple[list[str], str | None]:
    """Take `--config FILE` out of the arguments; what stands beside it on the line wins over the file."""
    split = (each.split("=", 1) if each.startswith("--config=") else [each] for each in arguments)
    arguments = [part for parts in split for part in parts]
    if "--config" not in arguments or arguments[0] not in ("demo", "run"):
        return arguments, None
    at = arguments.index("--config")
    if at + 1 >= len(arguments):
        raise SeatError("--config needs a file: a JSON object with the settings shown by `seat-interp run --help`.")
    return arguments[:at] + arguments[at + 2 :], arguments[at + 1]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status, see `reported`."""

    def job() -> None:
        rest, path = _take_settings_file(list(sys.argv[1:] if arguments is None else arguments))
        _file.set(path)
        if path:
            _study_settings(StudyConfig())  # tyro would wrap an error in the file in one of its own
        command: Any = tyro.cli(Command, prog="seat-interp", description=DESCRIPTION, args=rest)  # type: ignore[call-overload]
        command.run()

    return reported(job, "seat-interp")


def entry_point() -> None:
    """Console script."""
    # Waiting OpenMP threads that spin make two processes on one machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(main())
