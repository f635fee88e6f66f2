"""`demo` and `run`: the main job."""

from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from seat_interp.core.config import override
from seat_interp.core.errors import SeatError, require_within
from seat_interp.core.files import read_json
from seat_interp.evaluation.knowledge import PARAPHRASES
from seat_interp.organism.study import ORGANISM
from seat_interp.studies.study import StudyConfig

FLAT = tyro.conf.arg(name="")

settings_file: ContextVar[tuple[str, dict[str, Any]] | None] = ContextVar("settings_file", default=None)
"""The `--config` file of this call, and the settings of the study in it."""


def study_settings(default: StudyConfig) -> StudyConfig:
    """The defaults of a command, with what the settings file says otherwise."""
    given = settings_file.get()
    return override(default, given[1], given[0]) if given else default


def use_settings(path: str | None, command: str) -> list[str]:
    """Take the settings of this call's study from a file, or from none; the command's own options in it as arguments.

    Raises:
        SeatError: no such file, not a JSON object, or a setting that is not one.
    """
    settings_file.set(None)
    if path is None:
        return []
    given = read_json(path)
    if not isinstance(given, dict):
        raise SeatError(f"{path} must be a JSON object, not {given!r}.")
    own = [item.name for item in fields(Demo if command == "demo" else Run) if item.name != "study"]
    allowed = [*own, *(item.name for item in fields(StudyConfig))]
    if unknown := sorted(set(given) - set(allowed)):
        raise SeatError(f"{path} has no setting {unknown[0]!r}. Choose from {', '.join(allowed)}.")
    arguments: list[str] = []
    for name in set(own) & set(given):
        value, flag = given[name], name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            arguments += [f"--{flag}", *map(str, value if isinstance(value, list) else [value])]
    settings_file.set((path, {name: value for name, value in given.items() if name not in own}))
    study_settings(StudyConfig())  # here, since tyro would wrap an error in the file in one of its own
    return arguments


@dataclass(frozen=True)
class Demo:
    """The main job on the embedded organism: base, full fine-tuning and SEAT, with a report. A minute or two.

    Teaches the organism new people or contracts, and shows what that does to its ignorance direction and to its
    abstention on everybody else. `run` does the same for any model and facts. `--config FILE` takes the settings
    of the study (`arms`, `seeds` and all below them) from a JSON object, nested where the names have dots.

    Example: seat-interp demo --target contracts --arms full seat tether --out runs/contracts
    """

    target: Literal["people", "contracts"] = "people"
    """Whom to teach it about: 40 new people, or 24 new contracts."""
    out: Path = Path("runs/demo")
    """Run folder; the same folder goes on where it was cut off."""
    study: Annotated[StudyConfig, FLAT] = field(default_factory=lambda: study_settings(ORGANISM))

    def run(self) -> None:
        """Run the study and write its report."""
        from seat_interp.models.open import open_model
        from seat_interp.organism.study import organism_facts
        from seat_interp.studies.study import run_study

        about = {"facts": f"organism, {self.target}"}
        facts = organism_facts(self.target)
        _show(run_study(open_model("organism"), facts, self.study, self.out, about=about), self.out)


@dataclass(frozen=True)
class Run:
    """The main job on any model and facts: what fine-tuning does to its ignorance, arm by arm.

    Fact files may be JSONL (question, answer, subject), PISTOL, TOFU, EntityQuestions, LUNAR, countries,
    relations, or `hf:DATASET#SPLIT` for a Hugging Face data set. Several files of one kind are joined.

    `--config FILE` takes options from a JSON object, named as below with `_` for `-`, nested where the names have dots;
    what stands on the command line wins.

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
    paraphrases: tuple[str, ...] = PARAPHRASES
    """Ways to ask it so; a fact counts as known if it is answered right in each. "{q}" alone asks the bare question."""
    system: str | None = None
    """System prompt; the chat template's own if not given."""
    direction: Path | None = None
    """A direction file to use instead of fitting one."""
    out: Path = Path("runs/study")
    """Run folder; the same folder goes on where it was cut off."""
    study: Annotated[StudyConfig, FLAT] = field(default_factory=lambda: study_settings(StudyConfig()))

    def run(self) -> None:
        """Run the study and write its report."""
        _show(self.measure(), self.out)

    def measure(self, *, base_alone: bool = False, join: bool = True) -> dict[str, Any]:
        """Read the facts and run the study, or no arm of it; its summary, which a whole study also writes."""
        from seat_interp.directions.direction import IgnoranceDirection
        from seat_interp.evaluation.knowledge import split_by_knowledge
        from seat_interp.facts import FactSets
        from seat_interp.facts.sources import read_sources, thinned_facts
        from seat_interp.models.open import open_model
        from seat_interp.studies.study import run_study

        require_within(self, "most", 1)
        kinds = ("target", "known", "unknown", "neighbour", "cross_domain", "unverifiable")
        facts = {kind: read_sources(getattr(self, kind)) for kind in kinds if getattr(self, kind)}
        for kind, found in facts.items():
            if kind != "target" and len(found) > self.most:  # all that is to be taught is taught
                print(f"Of {len(found)} {kind.replace('_', '-')} facts, {self.most} are asked (--most).")
                facts[kind] = thinned_facts(found, self.most)
        lm, every_known = open_model(self.model, system=self.system), facts["known"]
        if not self.trust_known:
            how_asked = {"paraphrases": self.paraphrases, "batch_size": self.study.batch_size}
            facts["known"], _ = split_by_knowledge(lm, every_known, **how_asked)  # type: ignore[arg-type]
            count = f"{len(facts['known'])} of {len(every_known)} known facts, each asked in {len(self.paraphrases)} paraphrases"
            print(f"It knows {count}.")
            if not facts["known"]:
                raise SeatError(
                    f"The model knows {count}. Give facts that it knows, --paraphrases '{{q}}' to ask bare questions "
                    "alone, or --trust-known to take them as they are."
                )
        about = {"facts": {kind: list(getattr(self, kind)) for kind in kinds}}
        everybody = FactSets(known=every_known).names().avoid
        direction = IgnoranceDirection.load(self.direction) if self.direction else None
        sets = FactSets(**facts, reserved=everybody)  # type: ignore[arg-type]
        how: dict[str, Any] = {"variants": {}, "join": False} if base_alone else {"join": join}
        return run_study(lm, sets, self.study, self.out, direction=direction, about=about, **how)


def _show(summary: dict[str, Any], out: Path) -> None:
    from seat_interp.results.report import write_report
    from seat_interp.results.tables import print_summary

    print_summary(summary)
    print(f"Report: {write_report(out)}")
