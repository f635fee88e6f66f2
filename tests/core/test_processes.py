"""Two gloo processes against one: the same captures, bit for bit."""

import contextlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from many_prompts import MANY, bytes_of
from tiny_models import CITIES, NAMES, fact

from seat_interp.attribution import attribute
from seat_interp.attribution._neurons import per_example
from seat_interp.capture import Shards, capture, capture_to
from seat_interp.core.errors import SeatError
from seat_interp.core.files import load_tensors, read_json
from seat_interp.core.processes import Processes, processes
from seat_interp.evaluation.slick import SlickConfig, SlickResult, about_of, slick, slick_to
from seat_interp.masks.random import random_neurons
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.studies.study import StudyConfig, run_study
from seat_interp.training._parallel import part_size
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import L2SP, Continuation, CrossEntropy, EntityPerturbedKL
from seat_interp.training.trainer import TrainedModel, train

TESTS = Path(__file__).parents[1]
TWO = """
import sys; sys.path.insert(0, {tests!r})
import torch; torch.set_num_threads({threads})
from pathlib import Path
from tiny_models import make_model, make_tokenizer
from seat_interp.capture import AtToken, Projection, capture, capture_to
from seat_interp.core.processes import processes
from many_prompts import MANY
out, lm, here = Path({out!r}), make_model("llama", make_tokenizer()), processes()
for name, some in (("many", MANY), ("one", MANY[:1])):
    capture(lm, some, batch_size=4, progress=False).save(out / f"{{name}}-{{here.rank}}.safetensors")
capture_to(lm, MANY, out / "shards", shard=7, progress=False)

from seat_interp.attribution import attribute
from seat_interp.attribution._neurons import per_example
from seat_interp.core.files import save_tensors, write_json
from core.test_processes import FACTS, TRAINED, scored, taught
scores = scored(lm)
save_tensors(out / f"scores-{{here.rank}}.safetensors", scores, {{"format": "scores", "version": 1}})
for name, how in TRAINED.items():
    tuned = taught(lm, name)
    write_json(out / f"log-{{name}}-{{here.rank}}.json", tuned.log)
    weights = dict(tuned.model.model.named_parameters())
    save_tensors(out / f"{{name}}-{{here.rank}}.safetensors", weights, {{"format": "w", "version": 1}})

from core.test_processes import resumed
tuned = resumed(lm, out / "checkpoint.safetensors", sharded=True)
write_json(out / f"resumed-{{here.rank}}.json", {{"log": tuned.log, "uses_evaluation_data": tuned.callback_log}})
from seat_interp.training._parallel import shard
shared = lm.copy()
shard(shared)
held = [parameter.to_local().numel() for parameter in shared.model.parameters()]
write_json(out / f"held-{{here.rank}}.json", sum(held))
from core.test_processes import ASKED, DEV, FEW
from seat_interp.evaluation.slick import slick_to
from seat_interp.models.open import open_model
found = slick_to(
        open_model("organism"), facts=ASKED, dev=DEV, path=out / "slick.jsonl", config=FEW, batch_size=2, progress=False
    )
write_json(out / f"slick-{{here.rank}}.json", [each.to_json() for each in found])
"""
QUESTIONS = [f"Where does {name} live?" for name in NAMES]
FACTS = [fact(name, city) for name, city in zip(NAMES, CITIES * 3)]
PEOPLE = organism_facts("people")
ASKED, DEV = PEOPLE.known[:10] + PEOPLE.target[:6], PEOPLE.fit_known
FEW = SlickConfig(prompts=3, exemplars=1, chat=True, exact=False, samples=8, temperature=1.0)
TRAINED = {
    "plain": {"objective": (CrossEntropy(),)},
    "seat": {
        "objective": (
            CrossEntropy(),
            EntityPerturbedKL(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=2, facts_per_item=2),
        )
    },
    "masked": {"objective": (CrossEntropy(),), "masked": True},
    "part sharded": {"objective": (CrossEntropy(),), "sharded": True, "only": ["model.layers.1.mlp.up_proj.weight"]},
    "sharded": {
        "objective": (
            CrossEntropy(),
            EntityPerturbedKL(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=2, facts_per_item=2),
        ),
        "sharded": True,
    },
}


def scored(lm) -> dict[str, torch.Tensor]:
    """Sums over all facts, over one batch alone, and fact by fact."""
    found = {f"all {name}": value for name, value in attribute(lm, FACTS, batch_size=4).values.items()}
    found |= {f"one {name}": value for name, value in attribute(lm, FACTS[:2], batch_size=4).values.items()}
    for said, facts in (("each", FACTS), ("each of one batch", FACTS[:2])):
        found |= {f"{said} {name}": value for name, value in per_example(lm, facts, batch_size=4).items()}
    return found


def taught(lm, name: str) -> TrainedModel:
    how = dict(TRAINED[name])
    mask = random_neurons(lm, 0.3) if how.pop("masked", False) else None
    config = TrainConfig(steps=6, batch_size=8, learning_rate=1e-3)
    return train(lm, FACTS, config=config, mask=mask, **how)


def resumed(lm, path: Path, **how) -> TrainedModel:
    """Cut off at its fourth step, after a checkpoint at its second, and gone on with."""
    config = TrainConfig(steps=6, batch_size=8, learning_rate=1e-3, checkpoint_every=2, callback_every=4)

    def cut(tuned) -> dict[str, float]:
        raise InterruptedError

    def look(tuned) -> dict[str, float]:
        last = capture(tuned, QUESTIONS, batch_size=4, progress=False).values
        return {
            "last": float(last.norm()),
            "moved": float((tuned.model.lm_head.weight - lm.model.lm_head.weight).detach().norm()),
        }

    with contextlib.suppress(InterruptedError):
        train(lm, FACTS, config=config, callback=cut, checkpoint=path, **how)
    assert path.exists()
    return train(lm, FACTS, config=config, callback=look, checkpoint=path, **how)


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Path:
    """What two processes have written."""
    out = tmp_path_factory.mktemp("two")
    script = out / "two.py"
    script.write_text(TWO.format(tests=str(TESTS), out=str(out), threads=torch.get_num_threads()))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(launch, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def test_two_processes_capture_what_one_does(llama, two, tmp_path):
    for name, some in (("many", MANY), ("one", MANY[:1])):
        expected = capture(llama, some, batch_size=4, progress=False)
        for rank in (0, 1):
            values, header = load_tensors(two / f"{name}-{rank}.safetensors", "seat_interp.capture")
            assert torch.equal(values["values"], expected.values)
            assert header["origin"] == expected.origin
    capture_to(llama, MANY, tmp_path / "alone", shard=7, progress=False)
    shared, alone = bytes_of(two / "shards"), bytes_of(tmp_path / "alone")
    assert {"manifest-0.jsonl", "manifest-1.jsonl"} <= shared.keys()
    for name in alone.keys() - {"manifest-0.jsonl"}:
        assert shared[name] == alone[name]
    assert Shards.open(two / "shards").shards == Shards.open(tmp_path / "alone").shards


def test_shares_are_whole_and_apart():
    batches = list(range(11))
    shares = [Processes(rank, 3).shard(batches) for rank in range(3)]
    assert sorted(each for share in shares for each in share) == batches
    assert processes() == Processes(0, 1)
    assert torch.equal(processes().all_reduce(torch.ones(2)), torch.ones(2))


def test_two_processes_attribute_what_one_does(llama, two):
    expected = scored(llama)
    for rank in (0, 1):
        found, _ = load_tensors(two / f"scores-{rank}.safetensors", "scores")
        assert found.keys() == expected.keys()
        for name, value in found.items():
            torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", list(TRAINED))
def test_two_processes_train_what_one_does(llama, two, name):
    expected = taught(llama, name)
    weights = dict(expected.model.model.named_parameters())
    for rank in (0, 1):
        log = read_json(two / f"log-{name}-{rank}.json")
        for row, known in zip(log, expected.log, strict=True):
            assert row.keys() == known.keys()
            for key, value in row.items():
                assert value == pytest.approx(known[key], rel=1e-5, abs=1e-5)
        found, _ = load_tensors(two / f"{name}-{rank}.safetensors", "w")
        for key, value in found.items():
            torch.testing.assert_close(value, weights[key].detach(), rtol=1e-3, atol=2e-5)


def test_shared_weights_are_saved_gone_on_with_and_looked_at_whole(llama, two, tmp_path):
    expected = resumed(llama, tmp_path / "checkpoint.safetensors")
    for rank in (0, 1):
        found = read_json(two / f"resumed-{rank}.json")
        for row, known in zip(
            [*found["log"], *found["uses_evaluation_data"]], [*expected.log, *expected.callback_log], strict=True
        ):
            assert row == pytest.approx(known, rel=1e-5, abs=1e-5)
    assert expected.callback_log[0]["moved"] > 0


def test_each_process_holds_its_share(llama, two):
    whole = sum(parameter.numel() for parameter in llama.model.parameters())
    held = [read_json(two / f"held-{rank}.json") for rank in (0, 1)]
    assert sum(held) == whole
    assert max(held) < 0.6 * whole


def test_two_processes_sort_what_one_does(two, tmp_path):
    organism = open_model("organism")
    alone = slick_to(
        organism, facts=ASKED, dev=DEV, path=tmp_path / "slick.jsonl", config=FEW, batch_size=2, progress=False
    )
    assert len({each.category for each in alone}) >= 3
    other = slick(organism, facts=ASKED, dev=DEV, config=replace(FEW, seed=1), batch_size=2, progress=False)
    assert {each.fact: each.sampled for each in other} != {each.fact: each.sampled for each in alone}
    for rank in (0, 1):
        assert [SlickResult.from_json(row) for row in read_json(two / f"slick-{rank}.json")] == alone
    assert (two / "slick.jsonl").read_bytes() == (tmp_path / "slick.jsonl").read_bytes()
    assert not list(two.glob("slick.jsonl.part*"))


def test_sorting_goes_on_with_fewer_processes(tmp_path, monkeypatch):
    organism, whole, cut = open_model("organism"), tmp_path / "whole.jsonl", tmp_path / "cut[1].jsonl"
    expected = slick_to(organism, facts=ASKED, dev=DEV, path=whole, config=FEW, batch_size=2, progress=False)
    rows = {each.fact: json.dumps(each.to_json(), ensure_ascii=False) + "\n" for each in expected}
    order = [each.fact for each in slick(organism, facts=ASKED, dev=DEV, config=FEW, batch_size=2, progress=False)]
    cut.write_text(rows[order[0]])  # the first of two processes came so far,
    part, backup = (tmp_path / f"{cut.name}.{end}" for end in ("part-1", "1"))
    part.write_text(rows[order[2]] + rows[order[3]] + '{"cut')  # and the second
    backup.write_text("the user's own")
    with pytest.raises(SeatError, match="by another program"):
        slick_to(organism, facts=ASKED, dev=DEV, path=cut, config=FEW, batch_size=2, progress=False)
    about_of(cut).write_bytes(about_of(whole).read_bytes())
    with pytest.raises(SeatError, match="other settings"):
        slick_to(organism, facts=ASKED, dev=DEV, path=cut, config=FEW, batch_size=4, progress=False)
    asked = []
    monkeypatch.setattr("seat_interp.core.ledger.append_jsonl", lambda path, rows: asked.extend(rows))
    with pytest.raises(KeyError):  # nothing is kept, so that what is asked can be counted
        slick_to(organism, facts=ASKED, dev=DEV, path=cut, config=FEW, batch_size=2, progress=False)
    assert len(asked) == len(ASKED) - 3
    monkeypatch.undo()
    slick_to(organism, facts=ASKED, dev=DEV, path=cut, config=FEW, batch_size=2, progress=False)
    assert cut.read_bytes() == whole.read_bytes()
    assert (part.exists(), backup.read_text()) == (False, "the user's own")


def test_shared_weights_are_refused_where_a_term_needs_all_of_them(llama):
    with pytest.raises(SeatError, match="l2sp reads all weights at once"):
        train(llama, FACTS, objective=(CrossEntropy(), L2SP()), sharded=True)


def test_a_study_is_refused_in_one_of_several_processes(llama, sets, tmp_path, monkeypatch):
    monkeypatch.setattr("seat_interp.studies.study.processes", lambda: Processes(1, 2))
    with pytest.raises(SeatError, match="runs in one process, and here are 2"):
        run_study(llama, sets, StudyConfig(), tmp_path)


def test_batches_that_do_not_come_out_even_are_refused():
    def parts(batch: int, every: int, *counts: int) -> list[int]:
        objective = (CrossEntropy(), EntityPerturbedKL(facts_per_item=every))
        return [part_size(TrainConfig(batch_size=batch), 100, objective, count) for count in counts]

    assert parts(16, 2, 1, 2, 4, 8) == [16, 8, 4, 2]
    assert parts(7, 1, 1, 2, 3) == [7, 4, 3]
    with pytest.raises(SeatError, match="multiple of 4"):
        parts(7, 2, 2)
    with pytest.raises(SeatError, match="3 parts for 2 processes"):
        part_size(TrainConfig(batch_size=12, micro_batch=4), 100, (CrossEntropy(),), 2, sharded=True)
