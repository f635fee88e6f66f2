"""What the studies of arms on the organism share: its facts, the settings of every arm, tuned ones too.

The scripts that use it share their folders, so that no arm is run twice: `runs/organism_studies/people` and
`.../contracts`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, get_args

from analyses.common.arm_runs import ArmOptions, compare_in
from analyses.common.tuning_grid import TRAININGS, Grid, chosen, heavier, longer
from analyses.common.tuning_rule import SEED
from seat_interp.facts import Fact, FactSets
from seat_interp.facts.records import split_by_group
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism.study import ORGANISM, organism_facts
from seat_interp.studies.arms import ARMS, Arm, ArmConfig, ArmName, MakeArm, make_arm
from seat_interp.studies.study import StudyConfig, run_study
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import SelfGeneratedDistillation

Target = Literal["people", "contracts"]
TUNED = Path(__file__).parent.parent / "results" / "organism_tuning.json"
LEARNT = 0.95
"""Least target recall of an arm whose drift or abstention is compared: who learns little keeps much."""
Variants = Callable[[Target], Mapping[str, MakeArm]]
"""What is taught -> arms by name; importable, since every process calls it."""


@dataclass(frozen=True)
class Options(ArmOptions):
    """What to run and where."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    work: Path = Path("runs/organism_studies")
    """What is kept between calls, a folder for each target set; scripts share it."""


TRAINING = TrainConfig(steps=100, batch_size=16, warmup=0.1)
"""Of every arm alike, but for the rate; ours. Many small steps, since masked arms move slowly: within 50 of 32 SEAT
learnt people only at a rate that cost it what it knew."""
DENSE, MASKED, LOW_RANK = (1.25e-4, 2.5e-4, 5e-4), (2e-3, 4e-3, 8e-3), (1.25e-3, 2.5e-3, 5e-3)
TIMES, WEIGHTS, PULLS = (0.6, 1.0, 1.6), (1.0, 4.0, 16.0), (0.03, 0.1, 0.3)
GRIDS: dict[ArmName, Grid] = {
    "full": Grid("dense", DENSE, TIMES, longer("dense")),
    "lora": Grid("low_rank", LOW_RANK, TIMES, longer("low_rank")),
    "sparse": Grid("masked", MASKED, TIMES, longer("masked")),
    "replay": Grid("regularised", DENSE, TIMES, longer("regularised")),
    "ewc": Grid("regularised", DENSE, (0.3, 1.0, 3.0), heavier("ewc")),
    "l2sp": Grid("regularised", DENSE, PULLS, heavier("l2sp")),
    "full_kl": Grid("regularised", DENSE, (0.1, 0.3, 1.0), heavier("kl_on_facts")),
    "full_ep_kl": Grid("regularised", DENSE, WEIGHTS, heavier("kl")),
    "tether": Grid("regularised", DENSE, PULLS, heavier("l2sp")),
    "seat": Grid("masked", MASKED, WEIGHTS, heavier("kl")),
    "seat_selfdistill": Grid("masked", MASKED, WEIGHTS, heavier("selfdistill")),
}
REPLAY_RATIOS = (0.1, 0.3)
"""Of replay beside the arm `replay`, whose ratio is 1."""
BUDGETS = (0.001, 0.01, 0.05, 0.2, 1.0)
"""Shares of the MLP and attention weights that are trained where sparsity is studied."""
TUNED_SPARSITY = TUNED.parent / "organism_tuning_sparsity.json"


def study_settings(known: Sequence[Fact]) -> ArmConfig:
    """The settings of all arms before any is tuned.

    Args:
        known: facts that the base answers right. It never learnt to ask: what `seat_selfdistill` keeps are its own
            replies about them, and no probe is about their subjects.
    """
    same: dict[str, Any] = dict.fromkeys(TRAININGS, TRAINING)
    keep = SelfGeneratedDistillation(questions=tuple(fact.question for fact in known))
    # Two copies a fact: each is met about three times, and the base is asked a quarter as often.
    terms = {name: replace(getattr(ORGANISM.settings, name), prompts_per_fact=2) for name in ("kl", "kl_on_facts")}
    return replace(ORGANISM.settings, selfdistill=keep, **terms, **same)


def config_for(target: Target) -> StudyConfig:
    """The settings of every study of the organism, before any arm's own."""
    settings = study_settings(material(target)[1].fit_known)
    return replace(ORGANISM, settings=settings, keep_models=True, batch_size=256)


@cache
def halves(target: Target) -> FactSets:
    """The half that validates, as known and unknown, and the half to look back on, as what is fitted on."""
    sets = material(target)[1]
    (known, known_back), (unknown, unknown_back) = (
        split_by_group(facts, 0.5, SEED) for facts in (sets.fit_known, sets.fit_unknown)
    )
    return FactSets(known=known, unknown=unknown, fit_known=known_back, fit_unknown=unknown_back)


def trial_settings(target: Target) -> ArmConfig:
    """Those of all arms, whose questions are of the half that does not validate."""
    back = halves(target)
    return study_settings(back.fit_known).with_questions(back.fit_known, back.fit_unknown)


def tuned(arm: ArmName, settings: ArmConfig, seed: int) -> Arm:
    """An arm with the rate and strength that were chosen for it."""
    return make_arm(arm, tuned_settings(arm, settings), seed)


def tuned_settings(arm: ArmName, settings: ArmConfig) -> ArmConfig:
    """Settings with the rate and strength that were chosen for an arm."""
    best = chosen(TUNED)[arm]
    return GRIDS[arm].settings(settings, best["rate"], best["strength"])


def replay_at(ratio: float, settings: ArmConfig, seed: int) -> Arm:
    """Make replay at another ratio, with the rate and strength that were chosen for replay."""
    return tuned("replay", replace(settings, replay=replace(settings.replay, ratio=ratio)), seed)


for ratio, colour in zip(REPLAY_RATIOS, ("#AA4499", "#CC6677"), strict=True):
    name = f"replay_{ratio:g}"
    ARMS[name] = replace(
        ARMS["replay"], name=name, label=f"Replay at {ratio:g}", colour=colour, make=partial(replay_at, ratio)
    )


def every_arm(target: Target) -> Mapping[str, MakeArm]:
    """All arms by their names, and replay at several ratios."""
    arms: dict[str, MakeArm] = {name: partial(tuned, name) for name in get_args(ArmName)}
    return arms | {f"replay_{ratio:g}": partial(replay_at, ratio) for ratio in REPLAY_RATIOS}


def study(variants: Variants, target: Target, out: Path, arms: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    """Some arms and seeds, in the folder of all, which others join."""
    wanted = {name: make for name, make in variants(target).items() if name in arms}
    config, about = replace(config_for(target), arms=(), seeds=seeds), {"facts": f"organism, {target}"}
    run_study(*material(target), config, out, extra_arms=wanted, about=about, join=False, say=lambda text: None)


@cache
def material(target: Target) -> tuple[LanguageModel, FactSets]:
    """The organism and its facts, once in a process."""
    return open_model("organism"), organism_facts(target)


def compare_arms(name: str, variants: Variants, options: Options) -> None:
    """Every arm with every seed, the table, and `analyses/results/<name>_<target>.json`."""
    for target in options.targets:
        out, every = options.work / target, variants(target)
        saved = options.results / f"{name}_{target}.json"
        compare_in(out, partial(study, variants, target, out), tuple(every), options, saved)
