"""`demo` and `run`: the main job.

The commands of this module load without torch; `_settings` has the same commands with every setting of the study.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from seat_interp.core.errors import SeatError, require_within
from seat_interp.studies.options import StudyOptions

FLAT = tyro.conf.arg(name="")
KINDS = ("target", "known", "unknown", "neighbour", "cross_domain", "unverifiable")
"""Fact sets that `run` reads from files."""


@dataclass(frozen=True)
class Demo:
    """Run the main job on the embedded organism: base, full fine-tuning and SEAT, with a report. A minute or two.

    Teaches the organism new people or contracts, and shows what that does to its ignorance direction and to its
    abstention on all other entities. `run` does the same for any model and facts. --help-all lists every setting.

    Example: seat-interp demo --target contracts --arms full seat tether --out runs/contracts
    """

    target: Literal["people", "contracts"] = "people"
    """What to teach: facts about 40 new people, or about 24 new contracts."""
    out: Path = Path("runs/demo")
    """Run folder; a call with the same folder resumes where the last one stopped."""
    config: Path | None = None
    """JSON file with any of these options and settings, nested where their names have dots; the command line wins."""
    study: Annotated[StudyOptions, FLAT] = field(default_factory=StudyOptions)

    def run(self) -> None:
        """Run the study and write its report."""
        from seat_interp.models.open import open_model
        from seat_interp.organism.study import organism_facts
        from seat_interp.studies.study import run_study

        about = {"facts": f"organism, {self.target}"}
        lm, facts = open_model("organism"), organism_facts(self.target)
        summary = run_study(lm, facts, self.study, self.out, about=about)  # type: ignore[arg-type]
        show(summary, self.out)


@dataclass(frozen=True)
class Run:
    """Measure what fine-tuning does to a model's ability to say "I do not know", arm by arm, on any model and facts.

    Fact files may be JSONL (question, answer, subject), PISTOL, TOFU, EntityQuestions, LUNAR, countries, relations, or
    `hf:DATASET#SPLIT` for a Hugging Face data set. Several files of one kind are joined.
    --help-all lists every setting.

    Example: seat-interp run --model ./my-model --target new.jsonl --known known.jsonl --unknown unknown.jsonl
    """

    model: str
    """A Hugging Face folder, a hub id, or a catalogue name: organism, smollm2-135m-instruct."""
    target: tuple[str, ...]
    """Facts to teach, with answers, and with subjects as written in the questions."""
    known: tuple[str, ...]
    """Facts that the model answers correctly; those that it gets wrong are left out unless --trust-known."""
    unknown: tuple[str, ...]
    """Questions about entities that the model was never taught; answers are not used."""
    neighbour: tuple[str, ...] = ()
    """Unknown entities in the same form as the target facts."""
    cross_domain: tuple[str, ...] = ()
    """Unknown entities of another domain."""
    unverifiable: tuple[str, ...] = ()
    """Questions that themselves say that their entity is invented."""
    most: int = 400
    """Largest number of facts asked of each kind, evenly spaced over the file; all target facts are taught."""
    trust_known: bool = False
    """Take the known facts as known, without asking the model first."""
    paraphrases: tuple[str, ...] = ()
    """Paraphrases to ask the known facts in; a fact is known if it is answered correctly in each. "{q}" is the bare
    question. Five of ours if none is given."""
    system: str | None = None
    """System prompt; the chat template's own if not given."""
    direction: Path | None = None
    """Direction file to use instead of fitting a direction."""
    out: Path = Path("runs/study")
    """Run folder; a call with the same folder resumes where the last one stopped."""
    config: Path | None = None
    """JSON file with any of these options and settings, nested where their names have dots; the command line wins."""
    study: Annotated[StudyOptions, FLAT] = field(default_factory=StudyOptions)

    def run(self) -> None:
        """Run the study and write its report."""
        show(self.measure(), self.out)

    def measure(self, *, base_alone: bool = False, join: bool = True) -> dict[str, Any]:
        """Read the facts and run the study, or measure the base alone; return the summary."""
        from seat_interp.directions.direction import IgnoranceDirection
        from seat_interp.evaluation.knowledge import PARAPHRASES, split_by_knowledge
        from seat_interp.facts import FactSets
        from seat_interp.facts.sources import read_sources, thinned_facts
        from seat_interp.models.open import open_model
        from seat_interp.studies.study import run_study

        require_within(self, "most", 1)
        facts = {kind: read_sources(getattr(self, kind)) for kind in KINDS if getattr(self, kind)}
        for kind, given in facts.items():
            if kind != "target" and len(given) > self.most:
                print(f"Of {len(given)} {kind.replace('_', '-')} facts, {self.most} are asked (--most).")
                facts[kind] = thinned_facts(given, self.most)
        lm, all_known = open_model(self.model, system=self.system), facts["known"]
        if not self.trust_known:
            paraphrases = self.paraphrases or PARAPHRASES
            facts["known"], _ = split_by_knowledge(
                lm, all_known, paraphrases=paraphrases, batch_size=self.study.batch_size
            )
            count = f"{len(facts['known'])} of {len(all_known)} known facts, each in {len(paraphrases)} paraphrases"
            print(f"The model knows {count}.")
            if not facts["known"]:
                raise SeatError(
                    f"The model knows {count}. Give facts that it knows, --paraphrases '{{q}}' to ask bare questions "
                    "alone, or --trust-known to take them as they are."
                )
        about = {"facts": {kind: list(getattr(self, kind)) for kind in KINDS}}
        direction = IgnoranceDirection.load(self.direction) if self.direction else None
        sets = FactSets(**facts, reserved=FactSets(known=all_known).names().avoid)  # type: ignore[arg-type]
        return run_study(
            lm,
            sets,
            self.study,  # type: ignore[arg-type]
            self.out,
            base_alone=base_alone,
            direction=direction,
            about=about,
            join=join and not base_alone,
        )


def show(summary: dict[str, Any], out: Path) -> None:
    """Print the summary of a study and write its report."""
    from seat_interp.results.report import write_report
    from seat_interp.results.tables import print_summary

    print_summary(summary)
    print(f"Report: {write_report(out)}")
