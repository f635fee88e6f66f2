"""A study: one base, several arms and seeds, the same set_names before and after, all in one folder.

The folder can be taken up again: finished arms are read back, an unfinished one goes on from its checkpoint.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from seat_interp.capture import capture_sets
from seat_interp.core.environment import peak_memory_mib, reset_peak_memory
from seat_interp.core.errors import SeatError, require_within, see
from seat_interp.core.files import save_tensors, sha256, write_json, write_jsonl
from seat_interp.core.ledger import claim, once
from seat_interp.core.processes import processes
from seat_interp.directions.direction import IgnoranceDirection, fit_direction
from seat_interp.directions.displacement import Displacement
from seat_interp.directions.steering import check_steering, choose_addition
from seat_interp.evaluation.score import ask, rates
from seat_interp.facts import FactSets
from seat_interp.facts.records import split_by_group
from seat_interp.masks.mask import Mask
from seat_interp.models.open import LanguageModel, save_model
from seat_interp.models.prompts import encode_examples, encode_prompts
from seat_interp.studies.arms import Arm, ArmConfig, MakeArm, make_arm, train_arm
from seat_interp.studies.measure import Baseline, baseline, rates_of, weight_distance
from seat_interp.studies.options import StudyOptions
from seat_interp.studies.run_folder import BASE, ROW_FILE, finished_runs, join_runs, run_folder, summary_of

_CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class StudyConfig(StudyOptions):
    """What a study does with its model and facts.

    Attributes:
        arms: Ways of fine-tuning to compare, by the names of the registry in `seat_interp.studies.arms`.
        seeds: Seeds of the mask, the entity-perturbed prompts and the order of the facts; one run of each arm for each.
        steering_prompts: Number of prompts of each kind in the steering check; 0 leaves the check out.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass when asking and capturing.
        keep_models: Whether each tuned model is saved in its run folder.
        settings: Settings of the arms.
        positions: Tokens to try for the direction, counted from the end of the prompt.
        null_draws: Number of random and of shuffled null directions.
        callback_facts: Number of facts of each kind in the evaluation during training.

    Example:
        >>> config = si.StudyConfig(arms=("full", "seat"), seeds=(0, 1))
        >>> config.settings.kl.continuation.value, config.settings.mask.granularity
        ('gold', 'coordinate')
    """

    settings: ArmConfig = field(default_factory=ArmConfig)
    positions: tuple[int, ...] = (-1, -2, -3)
    null_draws: int = 200
    callback_facts: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("null_draws", "callback_facts"):
            require_within(self, name, 1)
        if not self.positions or max(self.positions) >= 0:
            raise SeatError(f"Positions are {self.positions}; they count from the prompt's end: -1 is its last token.")


def run_study(
    lm: LanguageModel,
    sets: FactSets,
    config: StudyConfig | None = None,
    out: str | Path = "runs/study",
    *,
    extra_arms: Mapping[str, MakeArm] | None = None,
    base_alone: bool = False,
    direction: IgnoranceDirection | None = None,
    about: dict[str, Any] | None = None,
    join: bool = True,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Measure the base, run every arm with every seed, measure each, and write the folder.

    Args:
        lm: Base model; it stays as it was.
        sets: Sets of facts: target, known and unknown are needed; the direction is fitted on `fit_known` and
            `fit_unknown`, or, where these are empty, on a part of `known` and `unknown` that the report then leaves
            out.
        config: Settings of the study; the defaults, which suit a pretrained model, if None. `ORGANISM` suits the
            organism.
        out: Run folder; `RunFolder.open(out)` reads it.
        extra_arms: Arms of one's own by name, beside those of `config.arms`: functions from the settings of all arms
            and a seed to an `Arm`.
        base_alone: Whether the base alone is measured, and no arm is run.
        direction: Ignorance direction to use instead of fitting one.
        about: More entries for `config.json`, such as where the facts come from.
        join: Whether the files that are common to all runs, `records.jsonl` and `summary.json`, are written. Jobs that
            share a folder leave them to the last one.
        say: Function that reports progress between the bars.

    Returns:
        The content of `summary.json`.

    Raises:
        SeatError: A needed set is empty, the folder holds a study with other settings, or this is one of several
        processes.

    Example:
        >>> config = si.StudyConfig(arms=("full",), positions=(-1,), steering_prompts=0, null_draws=9, max_new_tokens=8)
        >>> few = si.FactSets(target=facts.target[:2], known=facts.known[:8], unknown=facts.unknown[:8])
        >>> import dataclasses
        >>> short = si.ArmConfig(dense=si.TrainConfig(steps=1))
        >>> summary = si.run_study(lm, few, dataclasses.replace(config, settings=short), "run", say=lambda text: None)
        >>> [row["arm"] for row in summary["rows"]]
        ['base', 'full']
    """
    if (count := processes().count) > 1:
        raise SeatError(
            f"A study runs in one process, and here are {count}. Run its arms and seeds as jobs of their own with "
            "`seat-interp sweep`, or share out `capture`, `attribute` or `train`. " + see("how_to/gpu_and_cluster")
        )
    config, out = config or StudyConfig(), Path(out)
    sets = _with_fit_sets(sets)
    same_weights = direction is None or direction.require_fits(lm)
    settings = config.settings.with_questions(sets.fit_known, sets.fit_unknown)
    arms: dict[str, MakeArm] = {} if base_alone else {name: partial(make_arm, name) for name in config.arms}
    arms |= extra_arms or {}
    if not arms and not base_alone:
        raise SeatError("There are no arms to run: give at least one in the configuration, or arms of your own.")
    for make in arms.values():
        _require_trainable(make(settings, 0), sets)
    encode_prompts(lm, [fact.question for _, facts in sets for fact in facts], room=config.max_new_tokens)
    encode_examples(lm, [fact.question for fact in sets.target], [fact.answer for fact in sets.target])
    if path := config.settings.mask.file:  # a mask that does not fit is better known now than after an hour
        Mask.load(path).require_fits(lm)
    _claim(out, _identity(lm, sets, config, direction, about or {}))
    direction = _direction(lm, sets, config, out, direction, say)
    options = {"null_draws": config.null_draws, "batch_size": config.batch_size, "same_weights": same_weights}
    base = baseline(lm, sets, direction, **options)  # type: ignore[arg-type]
    _measured(out / BASE, partial(_measure_base, base, config, say), say, BASE)
    for seed in config.seeds:
        for name, make in arms.items():
            arm, folder = make(settings, seed), run_folder(out, name, seed)
            _claim_arm(folder, arm)
            _measured(folder, partial(_run_arm, base, name, arm, config), say, f"{name}, seed {seed}")
    runs = [(name, seed) for seed in config.seeds for name in arms]
    if join and (others := [run for run in finished_runs(out) if run not in runs]):
        listed = ", ".join(f"{name} with seed {seed}" for name, seed in others)
        say(f"Finished in this folder, and left out of this summary, since not asked for: {listed}")
    return join_runs(out, runs) if join else summary_of(out, runs)


def _require_trainable(arm: Arm, sets: FactSets) -> None:
    """Facts that an arm's objective refuses are better known now than after the arms before it."""
    for term in arm.objective:
        term.require(sets.target, sets.names())


def _with_fit_sets(sets: FactSets) -> FactSets:
    for name in ("target", "known", "unknown"):
        if not getattr(sets, name):
            raise SeatError(f"The {name} set is empty. A study needs target, known and unknown facts.")
    if bool(sets.fit_known) != bool(sets.fit_unknown):
        raise SeatError("Only one of fit_known and fit_unknown is given. Give both, or neither.")
    if not sets.fit_known:
        (known, fit_known), (unknown, fit_unknown) = (split_by_group(f, 0.5, 0) for f in (sets.known, sets.unknown))
        sets = replace(sets, known=known, unknown=unknown, fit_known=fit_known, fit_unknown=fit_unknown)
        if not all(len(facts) >= 2 for facts in (known, fit_known, unknown, fit_unknown)):
            raise SeatError(
                "There are too few known or unknown facts: half of each are to fit the direction and its nulls on. "
                "Give facts of at least 4 subjects of each kind."
            )
    # Nothing is right on a set_name but to abstain, whatever answers its file has.
    set_names = sets.abstention_sets().items()
    bare = {name: [replace(fact, answer="", object="", aliases=()) for fact in facts] for name, facts in set_names}
    return replace(sets, **bare)  # type: ignore[arg-type]


def _identity(
    lm: LanguageModel, sets: FactSets, config: StudyConfig, direction: IgnoranceDirection | None, about: dict[str, Any]
) -> dict[str, Any]:
    """What a folder's study is: two calls with equal identities measure the same.

    Arms and seeds are not part of it, so that more of them can be added to a folder.
    """
    text = json.dumps([[name, [fact.to_json() for fact in facts]] for name, facts in sets])
    names = sets.names()
    text += repr((sorted(names.avoid), sorted(names.pools.items())))
    if direction is not None:
        text += repr(direction.raw.tolist())
    if path := config.settings.mask.file:
        text += sha256(path)
    identity = {
        "model": lm.fingerprint,
        "system": lm.system,
        "study": {name: value for name, value in asdict(config).items() if name not in ("arms", "seeds")},
        "sizes": {name: len(facts) for name, facts in sets},
        "facts": hashlib.sha256(text.encode()).hexdigest()[:16],
        "about": about,
    }
    return json.loads(json.dumps(identity))  # tuples become lists, as they will be when read back


def _direction(
    lm: LanguageModel,
    sets: FactSets,
    config: StudyConfig,
    out: Path,
    given: IgnoranceDirection | None,
    say: Callable[[str], None],
) -> IgnoranceDirection:
    """The direction that was given, or that this study fitted before it was cut off, or a new one."""
    path = out / "direction.safetensors"
    if given is None and path.exists():
        return IgnoranceDirection.load(path)
    if given is None:
        say("Fitting the ignorance direction")
        given = fit_direction(lm, unknown=sets.fit_unknown, known=sets.fit_known, positions=config.positions)
        best = given.auroc[given.layer]
        say(f"Direction: layer {given.layer}, token {given.position}, AUROC {best:.3f} on held-out facts")
    given.save(path)
    return given


def _claim(out: Path, identity: dict[str, Any]) -> None:
    """Claim the folder for this study. One that ended before anything was measured does not stand in the way."""

    def begun() -> bool:
        if any(out.glob(f"*/{ROW_FILE}")):
            return True
        for leftover in (out / "direction.safetensors", *out.glob(f"*/{_CHECKPOINT_FILE}")):
            leftover.unlink(missing_ok=True)
        return False

    refusal = f"{out} holds a study with other settings. Give another --out, or remove that folder."
    claim(out / "config.json", identity, begun=begun, refusal=refusal)


def _claim_arm(folder: Path, arm: Arm) -> None:
    """Claim the folder for this arm: one of the same name with other settings is not read back for it."""

    def begun() -> bool:
        if (folder / ROW_FILE).exists():
            return (folder / "arm.json").exists()
        (folder / _CHECKPOINT_FILE).unlink(missing_ok=True)
        return False

    refusal = f"{folder} holds an arm with other settings. Give it another name, or remove that folder."
    claim(folder / "arm.json", arm.to_json(), begun=begun, refusal=refusal)


def _measured(folder: Path, measure: Callable[[Path], dict], say: Callable[[str], None], label: str) -> None:
    """Run what is not finished; its row is written last."""

    def make(path: Path) -> None:
        say(f"{label}: running")
        reset_peak_memory()
        began = time.perf_counter()
        row = measure(folder)
        row |= {"seconds": round(time.perf_counter() - began, 2), "peak_memory_mib": round(peak_memory_mib(), 1)}
        write_json(path, row)
        (folder / _CHECKPOINT_FILE).unlink(missing_ok=True)

    if not once(folder / ROW_FILE, make):
        say(f"{label}: already done, read back")


def _measure_base(base: Baseline, config: StudyConfig, say: Callable[[str], None], folder: Path) -> dict[str, Any]:
    row = {"arm": "base", "seed": 0, **_ask(base.lm, base.sets, config, folder, "base", 0)}
    row["displacement"] = base.displaced(base.activations).summary()
    if config.steering_prompts:
        say("base: steering check")
        unknown, known = (facts[: config.steering_prompts] for facts in (base.sets.unknown, base.sets.known))
        chosen = choose_addition(base.lm, base.direction, base.sets.fit_known[: config.steering_prompts])
        check = check_steering(base.lm, base.direction, unknown=unknown, known=known, layer=chosen[0], factor=chosen[1])
        row["steering"] = check.to_json()
    _save_activations(folder, base.activations, base.direction.layer)
    return row


def _run_arm(base: Baseline, name: str, arm: Arm, config: StudyConfig, folder: Path) -> dict[str, Any]:
    seed = arm.config.seed
    mask = arm.make_mask(base.lm) if arm.make_mask else None
    if mask is not None:
        mask.save(folder / "mask.safetensors")
    tuned = train_arm(
        base.lm,
        base.sets.target,
        arm,
        mask=mask,
        names=base.sets.names(),  # never an entity of a set_name: none is trained on by chance
        callback=_live_evaluation(base, config) if arm.config.callback_every else None,
        checkpoint=folder / _CHECKPOINT_FILE,
        label=f"{name}, seed {seed}",
    )
    write_jsonl(folder / "log.jsonl", tuned.log)
    write_jsonl(folder / "callback.jsonl", tuned.callback_log)
    row = {"arm": name, "seed": seed, **_ask(tuned.model, base.sets, config, folder, name, seed)}
    after = base.capture(tuned.model)
    moved = base.displaced(after)
    write_json(folder / "displacement.json", _by_layer(moved))
    _save_activations(folder, after, base.direction.layer)
    if config.keep_models:
        shutil.rmtree(folder / "model", ignore_errors=True)  # of a run that was cut off
        save_model(tuned.model, folder / "model")
    return row | {
        "displacement": moved.summary(),
        "linear_probe_auroc": moved.linear_probe_auroc[base.direction.layer],
        "refit_angle": moved.angle()[base.direction.layer],
        "budget": None if arm.lora else mask.budget if mask is not None else 1.0,
        "trained_weights": tuned.trained_weights,
        "share_of_update": tuned.share,
        "weight_distance": weight_distance(base=base.lm, tuned=tuned.model),
        "training_seconds": round(tuned.seconds, 2),
    }


def _ask(lm: LanguageModel, sets: FactSets, config: StudyConfig, folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """Ask every set that is reported, keep each reply, and give the rates of the contract."""
    asked = {name: facts for name, facts in sets if name not in ("fit_known", "fit_unknown")}
    by_set = ask(lm, asked, max_new_tokens=config.max_new_tokens, batch_size=config.batch_size)
    lines = [{"arm": arm, "seed": seed, **record.to_json()} for records in by_set.values() for record in records]
    write_jsonl(folder / "records.jsonl", lines)
    return rates_of(by_set, list(sets.abstention_sets()))


def _live_evaluation(base: Baseline, config: StudyConfig) -> Callable[[LanguageModel], dict[str, Any]]:
    count = config.callback_facts
    target, unknown = base.sets.target[:count], base.sets.unknown[:count]
    layer = base.direction.layer
    before = base.activations["unknown"][: len(unknown)]

    def set_name(lm: LanguageModel) -> dict[str, Any]:
        asked = {"target": target, "unknown": unknown}
        by_set = ask(lm, asked, max_new_tokens=config.max_new_tokens, progress=False)
        taught, refused = (rates(records) for records in by_set.values())
        after = capture_sets(lm, {"unknown": unknown}, base.direction.position, batch_size=config.batch_size)["unknown"]
        shift = (
            base.direction.project(after.double() - before.double())[:, layer].mean() / base.direction.separation[layer]
        )
        return {"target_recall": taught.correct, "abstention": refused.abstain, "displacement": float(shift)}

    return set_name


def _by_layer(moved: Displacement) -> dict[str, Any]:
    """What the figures draw, layer by layer."""
    return {
        "layer": moved.direction.layer,
        "same_weights": moved.same_weights,
        "linear_probe_auroc": moved.linear_probe_auroc,
        "base_auroc": moved.base_auroc,
        "refit_angle": moved.angle(),
        "base_refit_angle": moved.base_angle(),
        "sets": {name: moved.by_layer(name) for name in moved.sets},
    }


def _save_activations(folder: Path, activations: dict[str, torch.Tensor], layer: int) -> None:
    header = {"format": "seat_interp.activations", "version": 1, "layer": layer}
    save_tensors(folder / "activations.safetensors", {n: v[:, layer].float() for n, v in activations.items()}, header)
