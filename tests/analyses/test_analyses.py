"""The analyses that others rely on, at toy size: they run end to end and write rows of the agreed shape."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seat_interp.errors import SeatError
from seat_interp.facts import Fact, FactSets
from seat_interp.models.open import open_model
from seat_interp.organism import organism_facts
from seat_interp.training.config import TrainConfig

ANALYSES = Path(__file__).parents[2] / "analyses"


def test_ratios_are_taken_round_by_round(monkeypatch):
    """A slow minute hits both schemes alike: the ratio of the medians would be 1.5 here."""
    monkeypatch.syspath_prepend(str(ANALYSES / "benchmarks"))
    from interleave import Measured, rows

    found = {"ours": Measured([1.0, 9.0, 3.0], 50.0), "theirs": Measured([2.0, 18.0, 2.0], 200.0)}
    ours, theirs = rows(found, dict.fromkeys(found, "theirs"), model="toy")
    assert ours["time_ratio"] == 0.5
    assert ours["time_ratio_spread"] == [0.5, 1.0]
    assert ours["memory_ratio"] == 0.25
    assert (theirs["time_ratio"], ours["seconds"], ours["model"]) == (1.0, 3.0, "toy")


def test_a_saved_command_names_no_folder_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ANALYSES))
    from common.result_file import command

    argv = [str(tmp_path / "real_masks.py"), "--data", str(tmp_path), "--seeds", "0", "1", "--work", "runs/here"]
    said = "python analyses/real_masks.py --data DATA --seeds 0 1 --work runs/here"
    assert command(argv) == said
    assert command([argv[0], "--results", str(tmp_path / "elsewhere"), *argv[1:]]) == said


def run(script, tmp_path, *options):
    made = subprocess.run(
        [sys.executable, str(ANALYSES / script), "--results", str(tmp_path), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    return {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}


@pytest.mark.slow
def test_masks(tmp_path):
    options = "--schemes random gxa_ratio --granularities neuron --losses ce --targets people --budgets 0.1 --seeds 0"
    found = run("organism_masks.py", tmp_path, *options.split())["organism_masks"]
    rows = {row["scheme"]: row for row in found["rows"]}
    assert set(rows) == {"random", "gxa_ratio"}
    assert all(row["target_recall"] > 0.9 for row in rows.values())
    assert rows["random"]["abstention"] != rows["gxa_ratio"]["abstention"]
    again = run("organism_masks.py", tmp_path, *options.split())["organism_masks"]
    assert again["rows"] == found["rows"]  # read back, not run again: the seconds are the same


@pytest.mark.slow
def test_arms(tmp_path):
    options = "--arms full replay_0.1 --targets people --seeds 0 --workers 1".split()
    found = run("organism_arms.py", tmp_path, *options, "--work", str(tmp_path / "work"))["organism_arms_people"]
    rows = {row["arm"]: row for row in found["rows"]}
    assert list(rows) == ["base", "full", "replay_0.1"]
    assert rows["full"]["abstention"]["unknown"] < rows["replay_0.1"]["abstention"]["unknown"]
    assert set(found["layers"]) == {"full", "replay_0.1"}


@pytest.mark.slow
def test_rounds(tmp_path):
    options = "--arms full --targets people --seeds 0 --rounds 2".split()
    (row,) = run("organism_rounds.py", tmp_path, *options, "--work", str(tmp_path / "work"))["organism_rounds"]["rows"]
    first, second = row["rounds"]
    assert first["earlier_recall"] is None
    assert second["earlier_recall"] < 1 < 2 * second["target_recall"]
    assert second["displacement"]["unknown"]["mean"] < 0


@pytest.mark.slow
def test_fidelity(tmp_path):
    found = run("organism_fidelity.py", tmp_path, *"--facts 20 --neurons 60 --groups 20 --seeds 0".split())
    best = max(row["single"] for row in found["organism_fidelity"]["rows"])
    assert 0.5 < best <= 1


@pytest.mark.slow
@pytest.mark.parametrize("what", ["attribution", "capture", "training"])
def test_benchmarks(tmp_path, what):
    more = {"training": "--shares 0.1", "capture": "--varied tiny"}.get(what, "")
    options = f"--sizes organism --rounds 3 {more}".split()
    rows = run(f"benchmarks/{what}.py", tmp_path, *options)[f"benchmark_{what}"]["rows"]
    assert all(row["seconds"] > 0 and row["time_ratio"] > 0 for row in rows)
    assert {"scheme", "parameters", "peak_memory_mib", "memory_ratio", "against"} <= rows[0].keys()


@pytest.mark.slow
def test_memory_benchmark(tmp_path):
    rows = run("benchmarks/capture_memory.py", tmp_path, "--most", "1000")["benchmark_capture_memory"]["rows"]
    memory = {(row["scheme"], row["prompts"]): row["peak_memory_mib"] for row in rows}
    assert len(memory) == 6
    assert all(size >= 0 for size in memory.values())


@pytest.mark.slow
def test_masks_of_the_real_model_on_the_organism_in_its_place(tmp_path, monkeypatch):
    """The stages of real_masks.py, which has a large model otherwise: kept, taken up, and what the rule says."""
    monkeypatch.syspath_prepend(str(ANALYSES))
    import real_masks
    from common.aligned_smollm2 import Aligned
    from common.mask_runs import Cell

    lm, sets = open_model("organism"), organism_facts("people")
    few = replace(sets, **{name: getattr(sets, name)[:12] for name in ("target", "known", "unknown", "neighbour")})
    monkeypatch.setattr(real_masks, "base", lambda data, real: Aligned(lm, few, few, {"after": {}}))
    short = TrainConfig(steps=3, batch_size=4, learning_rate=2e-3)
    monkeypatch.setattr(real_masks, "BY_HAND", replace(real_masks.BY_HAND, dense=short, masked=short))
    monkeypatch.setattr(real_masks, "TRAINING", short)
    # All that the organism asks by itself is about people whom it knows, and who are avoided.
    questions = [fact.question for fact in sets.known[12:28]]
    monkeypatch.setattr(real_masks, "self_questions", lambda lm, count, avoid: questions)
    options = real_masks.Options(work=tmp_path)

    found = {}
    for scheme, loss in (("random", "ce"), ("update_exclude", "ce"), ("update_exclude_matched", "seat")):
        cell = Cell(scheme, "coordinate", loss, "pistol", 0.1, 0)
        found[scheme, loss] = real_masks.run(options, cell)
        assert 0 <= found[scheme, loss]["target_recall"] <= 1
    assert found["random", "ce"]["loss_at_end"] != found["update_exclude", "ce"]["loss_at_end"]
    assert {path.name for path in tmp_path.iterdir()} == {"useful.safetensors", "harm.safetensors"}

    useful, harm = real_masks.scores(options)
    mask = real_masks.make_mask(options, Cell("update_exclude", "coordinate", "ce", "pistol", 0.1, 0))
    chosen = torch.cat([mask.dense(name).flatten() for name in harm.values])
    assert chosen.float().mean().item() == pytest.approx(0.1, abs=1e-4)
    worst = harm.flat() > harm.flat().kthvalue(round(0.4 * harm.flat().numel())).values
    assert not bool((chosen & worst).any())  # the 0.6 by harm are never taken
    left = ~worst & ~chosen
    assert useful.flat()[chosen].min() >= useful.flat()[left].max()


def test_every_committed_result_gives_its_tables(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    from figures import shown, tables_of

    saved = {path.stem: json.loads(path.read_text()) for path in (ANALYSES / "results").glob("*.json")}
    found = {name: tables_of(shown(Path(name)), summary) for name, summary in saved.items()}
    assert all(table.rows for tables in found.values() for table in tables)
    rows = [row for row in saved["real_masks"]["rows"] if row["scheme"] == "random"]
    known = sum(row["known_recall"] for row in rows) / len(rows)
    (line,) = [line for line in found["real_masks"][0].rows if line[0] == "random"]
    assert line[1] == str(len(rows))
    assert line[4].startswith(f"{known:.2f}")


def trial(rate, recall, kept, target="people"):
    return {"rate": rate, "strength": 1.0, "target": target, "target_recall": recall} | {
        "abstention": kept,
        "known_recall": 1.0,
    }


def test_tuning_takes_what_keeps_most_of_what_learns_enough(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    from common.tuning_rule import choose

    rows = [trial(1e-3, 0.99, 0.5), trial(2e-3, 1.0, 0.6), trial(4e-3, 0.9, 1.0)]
    assert choose(rows) == {"rate": 2e-3, "strength": 1.0, "learnt": True, "kept": 0.8, "edges": []}
    # Both target sets count: the worse recall, the mean of what is kept.
    rows += [trial(1e-3, 0.98, 0.9, "contracts"), trial(2e-3, 0.97, 1.0, "contracts"), trial(4e-3, 1, 1, "contracts")]
    assert choose(rows)["rate"] == 1e-3
    assert choose([trial(1e-3, 0.5, 1.0), trial(2e-3, 0.7, 0.1)]) == {
        **{"rate": 2e-3, "strength": 1.0, "learnt": False, "edges": ["rate: highest"]},
        "kept": pytest.approx(0.55),
    }


def test_what_drift_tells_is_drawn_by_limit(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    from organism_drift import told

    rows = [
        {
            "limit": limit,
            "drift": -limit - 0.01 * seed,
            "random_drift": [0.1 * (seed - 1), limit],
            "kl_at_end": 0.3 * limit + 0.001 * seed,
            "abstention": {"unknown": 1 - limit - 0.02 * seed},
        }
        for limit in (0.1, 0.2, 0.4, 0.8)
        for seed in range(3)
    ]
    found = told(rows)
    assert found["correlation"] == pytest.approx(-1)
    assert found["interval"][0] == pytest.approx(-1)
    assert found["runs"] == 12
    assert found["kl"] == pytest.approx(-1)
    assert found["random"][0] < -0.9 < -0.5 < found["random"][1]
    shuffled = [row | {"abstention": {"unknown": (7 * i) % 12 / 12}} for i, row in enumerate(rows)]
    low, high = told(shuffled)["interval"]
    assert low < 0 < high


def test_orders_are_undecided_where_intervals_meet(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    from against_seat import ORDERINGS, verdict
    from seat_interp.results.aggregate import Estimate

    low, middle, high = (Estimate(m, m - 0.1, m + 0.1, "t") for m in (0.2, 0.35, 0.8))
    assert all(each.paper[0] > each.paper[1] for each in ORDERINGS)
    assert len(ORDERINGS) == 10 + 6
    assert verdict(high, low, [1.0, 0.99]) == "agree"
    assert verdict(low, high, [1.0, 0.99]) == "disagree"
    assert verdict(low, middle, [1.0, 0.99]) == verdict(middle, low, [1.0, 0.99]) == "undecided"
    assert verdict(high, low, [1.0, 0.9]) == "undecided"


def test_every_variant_of_every_study_is_an_arm(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    import organism_ablations
    import organism_over_abstention
    import organism_sparsity
    from common.organism import config_for, every_arm

    monkeypatch.setattr(
        organism_sparsity, "chosen", lambda path: {f"{b:g}": {"rate": b} for b in organism_sparsity.BUDGETS}
    )
    studies = (organism_ablations, organism_over_abstention, organism_sparsity)
    for variants in (every_arm, *(script.variants for script in studies)):
        arms = {name: make(config_for("people").settings, 3) for name, make in variants("people").items()}
        said = [json.dumps([arm.to_json(), name if arm.make_mask else ""]) for name, arm in arms.items()]
        assert all(arm.config.seed == 3 for arm in arms.values())
        assert len(set(said)) == len(said)  # none is there twice
    assert {f"{budget:.1%}" for budget in organism_sparsity.BUDGETS} == {name.split(", ")[1] for name in arms}
    assert arms["seat, 1.0%"].config.learning_rate == 0.01


def test_trials_of_an_earlier_grid_do_not_count(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    from common.organism import GRIDS
    from common.tuning_grid import in_grid

    grid = GRIDS["seat"]
    assert in_grid(GRIDS, {"arm": "seat", "rate": grid.rates[0], "strength": grid.strengths[1]})
    assert not in_grid(GRIDS, {"arm": "seat", "rate": grid.rates[0], "strength": 99.0})


def test_a_result_that_nobody_draws_is_refused(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ANALYSES))
    from figures import shown

    with pytest.raises(SeatError, match=r"new\.json is a result that no figure or table is known for"):
        shown(tmp_path / "new.json")


def test_every_script_and_helper_is_in_the_readme():
    said = (ANALYSES / "README.md").read_text()
    there = [path.relative_to(ANALYSES) for path in ANALYSES.rglob("*.py") if path.name != "__init__.py"]
    assert [str(path) for path in there if f"`{path}`" not in said] == []


def test_a_trial_on_the_real_model_on_the_organism_in_its_place(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    import real_tuning
    from common.aligned_smollm2 import Aligned
    from common.smollm2_arms import GRIDS, SETTINGS, Folders
    from common.tuning_grid import Trial

    lm, sets = open_model("organism"), organism_facts("people")
    few = replace(sets, target=sets.target[:12])
    validation = FactSets(known=sets.fit_known[:12], unknown=sets.fit_unknown[:12])
    monkeypatch.setattr(real_tuning, "aligned", lambda folders: Aligned(lm, few, validation, {}))
    short = replace(SETTINGS.dense, steps=3, batch_size=4, mixed_precision=False)
    monkeypatch.setattr(real_tuning, "SETTINGS", replace(SETTINGS, dense=short, masked=short, regularised=short))

    rows = {
        arm: real_tuning.run(Folders(Path(), Path()), 1, Trial(arm, "pistol", 1e-3, GRIDS[arm].strengths[1]))
        for arm in ("full", "tether")
    }
    assert all(0 <= row["abstention"] <= 1 and row["seconds"] > 0 for row in rows.values())
    assert rows["full"] != rows["tether"]


def test_interference_on_the_real_model_on_the_organism_in_its_place(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ANALYSES))
    import real_interference
    from common.new_keys import Run
    from seat_interp.evaluation.curves import loss

    known = [replace(fact, relation="capital") for fact in organism_facts("people").known[:6]]
    monkeypatch.setattr(real_interference, "start", lambda data, real: (open_model("organism"), known))
    names = ("Lisbon", "Madrid", "Warsaw", "Vienna", "Athens")
    countries = [Fact("?", subject=f"{name}land", object=name) for name in names]
    monkeypatch.setattr(real_interference, "read_countries", lambda path: countries)
    monkeypatch.setattr(real_interference, "LOOKED_AT", (1,))
    monkeypatch.setattr(real_interference, "TRAINING", replace(real_interference.TRAINING, mixed_precision=False))
    cells = [Run(keys, values, 6, 0) for keys in ("names", "strings") for values in ("names", "strings")]
    facts = {cell: real_interference.new_facts(cell, tmp_path) for cell in cells}
    assert all(len({fact.subject for fact in each}) == 6 for each in facts.values())
    pieces = {name[:3] for name in names}
    assert all(fact.subject[:3] in pieces for fact in facts[cells[0]])
    rows = [{"arm": cell.arm, "count": 6, **real_interference.run(tmp_path, tmp_path, cell)} for cell in cells[::3]]
    assert all(row["curve"][0]["drift"] == pytest.approx([0.0] * 4, abs=1e-12) for row in rows)
    assert all(min(row["curve"][1]["drift"]) > 0 for row in rows)
    assert loss(rows[0]["curve"], "H_K") == pytest.approx(
        rows[0]["curve"][0]["rates"]["H_K"]["correct"] - rows[0]["curve"][1]["rates"]["H_K"]["correct"]
    )
    (table,) = real_interference.tables(rows)
    assert [row[:2] for row in table.rows] == [("names to countries", "6"), ("strings to strings", "6")]


def test_a_claim_holds_where_its_interval_is_above_zero(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    import against_known_unknown as claims
    from seat_interp.results.aggregate import Estimate

    def row(arm, seed, kept, learnt):
        moments = [(0.0, 1.0), (learnt / 2, (1 + kept) / 2), (learnt, kept)]
        curve = [{"rates": {"D_U": {"correct": d}, "H_K": {"correct": h}}} for d, h in moments]
        return {"arm": arm, "seed": seed, "curve": curve}

    rows = [row("all", seed, 0.80 + seed / 100, 1.0) for seed in range(3)]
    rows += [row(claims.WEAKER, seed, 0.94, 0.96) for seed in range(3)] + [row("attention", 0, 0.9, 0.5)]
    found = {claim.says: claim for claim in claims.CLAIMS}
    (half,) = (found[says] for says in found if says.endswith("at the end"))
    ours = half.ours({"forgetting": rows})
    assert ours.value.mean == pytest.approx(0.095 - 0.06)
    assert claims.verdict(ours, None) == "agree"
    at_equal_learning = f"it more than halves that loss where D_U reaches {claims.COMPARED_AT}"
    # Learnt to 0.9 at four fifths of the second stretch for the one, at 0.875 of it for the other.
    equal = found[at_equal_learning].ours({"forgetting": rows[:1] + rows[3:4]})
    assert equal.value.mean == pytest.approx((1 - 0.82) / 2 - (1 - 0.94375))
    assert claims.verdict(equal, None) == "undecided"  # of one seed
    slower = found["attention alone learns less of the Unknown than all weights"].ours({"forgetting": rows})
    assert (slower.value.mean, slower.seeds) == (0.5, 1)
    never = [row(claims.WEAKER, 3, 0.9, 0.7), row("all", 3, 0.8, 1.0)]
    dropped = found[at_equal_learning].ours({"forgetting": rows + never})
    assert (dropped.seeds, dropped.of) == (3, 4)
    assert claims.verdict(dropped, None) == "undecided"

    def of(low, high, within=None):
        return claims.verdict(claims.Found(Estimate(low, low, high, "t"), 5, 5), within)

    assert [of(-1.0, 1.0), of(-2.0, 0.0), of(0.5, 2.0)] == ["undecided", "disagree", "agree"]
    assert [of(-0.02, 0.06, 0.05), of(0.06, 0.1, 0.05), of(-0.03, 0.04, 0.05)] == ["undecided", "disagree", "agree"]
    with pytest.raises(SeatError, match="organism_mixing"):
        found["early stop avoids harm, all Unknown"].ours({"mixing": []})
    started = {"rates": {"train_known": {"correct": 0.8}, "train_unknown": {"correct": 0.0}}}
    early = {"rates": {"train_known": {"correct": 0.9}, "train_unknown": {"correct": 0.4}}}
    head_start = {"arm": "50 % Unknown", "seed": 0, "curve": [started, early, early]}
    assert claims.known_first(head_start) == pytest.approx(0.5 - 0.4)
