"""Every arm, through one study on the organism: what it trains, with what, and that its row is of the contract."""

import json
from dataclasses import replace
from typing import get_args

import pytest
import torch

from seat_interp.core.errors import SeatError
from seat_interp.masks.random import random_neurons
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.plot.style import arm_colour
from seat_interp.plot.wording import arm_name
from seat_interp.studies.arms import ARMS, Arm, ArmConfig, ArmName, make_arm
from seat_interp.studies.measure import weight_distance
from seat_interp.studies.study import StudyConfig, run_study
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import CrossEntropy, SelfGeneratedDistillation

SHORT = TrainConfig(steps=2, batch_size=4, learning_rate=1e-3)
CONFIG = StudyConfig(
    get_args(ArmName),
    settings=ArmConfig(dense=SHORT, masked=SHORT, regularised=SHORT, low_rank=SHORT),
    positions=(-1,),
    steering_prompts=0,
    null_draws=20,
    max_new_tokens=8,
)


def few_facts():
    sets = organism_facts("people")
    parts = ("target", "known", "unknown", "neighbour", "cross_domain", "unverifiable", "fit_known", "fit_unknown")
    return replace(sets, paraphrases=[], **{name: getattr(sets, name)[:4] for name in parts})


def test_every_arm_has_its_row(tmp_path):
    keep = SelfGeneratedDistillation(questions=tuple(fact.question for fact in organism_facts("people").known[8:12]))
    config = replace(CONFIG, settings=replace(CONFIG.settings, selfdistill=keep))
    summary = run_study(open_model("organism"), few_facts(), config, tmp_path / "run", say=lambda text: None)
    rows = {row["arm"]: row for row in summary["rows"]}
    assert list(rows) == ["base", *get_args(ArmName)]
    weights = {name: row.get("trained_weights") for name, row in rows.items()}
    assert weights["lora"] < weights["seat"] == weights["sparse"] == weights["seat_selfdistill"] < weights["full"]
    assert (
        weights["full"]
        == weights["ewc"]
        == weights["l2sp"]
        == weights["replay"]
        == weights["full_ep_kl"]
        == weights["tether"]
    )
    assert (rows["seat"]["budget"], rows["full"]["budget"], rows["lora"]["budget"]) == (
        pytest.approx(0.1, rel=1e-3),
        1.0,
        None,
    )
    terms = {}
    for name in get_args(ArmName):
        log = [json.loads(line) for line in (tmp_path / f"run/{name}-0/log.jsonl").read_text().splitlines()]
        terms[name] = set(log[-1]) - {"step", "cross_entropy", "gradient"}
        moved = rows[name]["displacement"]["unknown"]
        assert moved["mean"] != 0
        assert 0 < rows[name]["weight_distance"] < 0.1
        assert name == "tether" or rows[name]["share_of_update"] == 1
        assert len(moved["interval"]) == 2
    plain = {name: set() for name in ("full", "lora", "sparse")}
    looking_back = {name: {name} for name in ("ewc", "l2sp", "replay")}
    copies = {name: {"ep_kl"} for name in ("full_kl", "full_ep_kl", "seat")}
    assert terms == plain | looking_back | copies | {
        "seat_selfdistill": {"ep_kl", "selfdistill_kl"},
        "tether": {"ep_kl", "l2sp"},
    }


def test_an_arm_that_takes_back_part_of_its_update_lies_nearer(tmp_path):
    def make(takes_back):
        config = replace(SHORT, steps=30, learning_rate=2e-3)
        return lambda settings, seed: Arm((CrossEntropy(),), replace(config, seed=seed), interpolate=takes_back)

    variants = {"whole": make(False), "shrunk": make(True)}
    lm = open_model("organism")
    config = replace(CONFIG, arms=(), max_new_tokens=24)
    summary = run_study(lm, few_facts(), config, tmp_path / "run", extra_arms=variants, say=lambda text: None)
    rows = {row["arm"]: row for row in summary["rows"]}
    share = rows["shrunk"]["share_of_update"]
    assert rows["whole"]["share_of_update"] == 1
    assert 0.5 < share < 1
    # Both trained alike, so that one update is a part of the other.
    assert rows["shrunk"]["weight_distance"] == pytest.approx(share * rows["whole"]["weight_distance"], rel=1e-4)
    assert rows["shrunk"]["target_recall"] == rows["whole"]["target_recall"] == 1


def test_distance_reads_weights_is_relative_to_the_base(models_by_family):
    lm = models_by_family("llama")
    tuned = lm.copy()
    with torch.no_grad():
        for parameter in tuned.model.parameters():
            parameter.mul_(1.25)
    assert weight_distance(base=lm, tuned=lm) == 0
    assert weight_distance(base=lm, tuned=tuned) == pytest.approx(0.25)


def test_questions_of_ones_own_are_kept():
    sets = organism_facts("people")
    filled = ArmConfig().with_questions(sets.fit_known, sets.fit_unknown)
    assert len(filled.ewc.questions) == len(sets.fit_known) + len(sets.fit_unknown)
    assert set(filled.replay.questions) == {fact.question for fact in sets.fit_unknown}
    again = filled.with_questions([], [])
    assert (again.ewc, again.replay) == (filled.ewc, filled.replay)


def test_arms_of_ones_own_and_never_one_of_other_settings_read_back(tmp_path):
    def with_weight(weight):
        def make(settings, seed):
            objective = (CrossEntropy(), replace(settings.l2sp, weight=weight))
            return Arm(objective, replace(settings.dense, seed=seed), lambda lm: random_neurons(lm, 0.1, seed))

        return make

    def study(variants, seeds=(0,)):
        config = replace(CONFIG, arms=(), seeds=seeds)
        run = run_study(lm, few_facts(), config, tmp_path / "run", extra_arms=variants, say=lambda text: None)
        return [(row["arm"], row["seed"]) for row in run["rows"]]

    lm = open_model("organism")
    plain = {"mine": lambda settings, seed: Arm((CrossEntropy(),), replace(settings.dense, seed=seed))}
    assert study(plain, (0, 1)) == [("base", 0), ("mine", 0), ("mine", 1)]
    assert study(plain) == [("base", 0), ("mine", 0)]
    with pytest.raises(SeatError, match="mine-0 holds an arm with other settings"):
        study({"mine": with_weight(2.0)})
    # One that was not finished stands in nobody's way.
    with pytest.raises(SeatError, match="leave out the mask"):
        study({"pulled": with_weight(1.0)})
    with pytest.raises(SeatError, match="leave out the mask"):
        study({"pulled": with_weight(2.0)})


def test_the_registry_holds_each_name_of_the_command_line_once():
    entries = [ARMS[name] for name in get_args(ArmName)]
    assert list(ARMS)[: len(entries)] == list(get_args(ArmName))  # a study may have added its variants behind them
    for attribute in ("label", "colour", "marker"):
        assert len({getattr(entry, attribute) for entry in entries}) == len(entries)


@pytest.mark.parametrize("name", get_args(ArmName))
def test_an_arm_reads_the_settings_that_the_registry_says(name):
    """Its factory reads the fields that its entry names, and no other."""

    class Reads:
        def __init__(self):
            self.names = set()

        def __getattr__(self, field):
            self.names.add(field)
            return getattr(ArmConfig(), field)

    settings = Reads()
    ARMS[name].make(settings, 0)
    assert settings.names == set(ARMS[name].settings)


def test_an_arm_of_ones_own_joins_the_registry(monkeypatch):
    entry = replace(ARMS["seat"], name="seat_slow", label="SEAT, slow", colour="#123456")
    monkeypatch.setitem(ARMS, entry.name, entry)
    assert make_arm("seat_slow", ArmConfig(), 3).config.seed == 3
    assert arm_name("seat_slow") == "SEAT, slow"
    assert arm_colour("seat_slow, again") == "#123456"
    with pytest.raises(SeatError, match="no arm 'seet'"):
        make_arm("seet", ArmConfig(), 0)
