"""The command line as its users meet it: what works, and one clear sentence for everything that cannot."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from command_line import QUICK, call, refused
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tiny_models import make_config, make_model
from transformers import AutoModelForCausalLM, MixtralConfig

from seat_interp.commands.cli import main
from seat_interp.directions.direction import fit_direction
from seat_interp.masks.random import random_neurons
from seat_interp.models.open import open_model


def test_run_writes_the_folder_of_the_contract_and_takes_it_up_again(home, capsys):
    assert call("--arms", "full", "seat", "--seeds", "0", "1") == 0
    assert "Report: run/report.html" in capsys.readouterr().out
    summary = json.loads(Path("run/summary.json").read_text())
    assert [(row["arm"], row["seed"]) for row in summary["rows"]] == [
        ("base", 0), ("full", 0), ("seat", 0), ("full", 1), ("seat", 1),
    ]  # fmt: skip
    for row in summary["rows"]:
        for key in ("target_recall", "known_recall", "over_abstention", "seconds", "peak_memory_mib"):
            assert row[key] >= 0
        moved = row["displacement"]["unknown"]
        assert set(moved["null"]) == {"random", "shuffled", "pca"}
        assert len(moved["interval"]) == 2
        assert 0 <= row["abstention"]["unknown"] <= 1
    assert summary["environment"]["versions"]["torch"]
    assert summary["config"]["model"]["family"] == "llama"
    records = [json.loads(line) for line in Path("run/records.jsonl").read_text().splitlines()]
    assert {record["label"] for record in records} <= {"abstain", "correct", "wrong", "unscored"}
    assert not list(Path("run").rglob("*.checkpoint")) + list(Path("run").rglob("checkpoint.safetensors"))
    assert Path("run/seat-1/mask.safetensors").exists()
    before = Path("run/summary.json").read_bytes()
    assert call("--arms", "full", "seat", "--seeds", "0", "1") == 0
    assert "already done" in capsys.readouterr().out
    assert Path("run/summary.json").read_bytes() == before


def test_an_arm_that_keeps_its_own_answers(home, capsys):
    questions = ("--settings.selfdistill.questions", "Where was Ada born?", "Who is the dog?")
    assert call("--arms", "seat_selfdistill", *questions) == 0
    log = [json.loads(line) for line in Path("run/seat_selfdistill-0/log.jsonl").read_text().splitlines()]
    assert {"cross_entropy", "ep_kl", "selfdistill_kl"} <= log[-1].keys()
    assert log[0]["selfdistill_kl"] == pytest.approx(0, abs=1e-3)
    refused(
        capsys,
        call("--arms", "seat_selfdistill", out="other"),
        "Give questions of your own",
        "settings.selfdistill.questions",
    )


def test_a_run_that_was_cut_off_goes_on(home, capsys, monkeypatch):
    import seat_interp.studies.study as study

    whole = call("--arms", "full", "seat", out="whole")
    original, calls = study.train_arm, []

    def cut(*arguments, **settings):
        calls.append(settings["label"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments, **settings)

    monkeypatch.setattr(study, "train_arm", cut)
    status = call("--arms", "full", "seat")
    refused(capsys, status, "same command", code=130)
    assert not Path("run/summary.json").exists()
    assert call("--arms", "full", "seat") == whole == 0
    assert calls == ["full, seed 0", "seat, seed 0", "seat, seed 0"]
    for name in ("full-0", "seat-0"):
        assert (
            Path(f"run/{name}/displacement.json").read_bytes() == Path(f"whole/{name}/displacement.json").read_bytes()
        )


def test_missing_wrong_and_empty_fact_files(home, capsys):
    refused(capsys, call(target="nowhere.jsonl"), "nowhere.jsonl", "Check the path")
    Path("table.csv").write_text("question,answer\n")
    refused(capsys, call(target="table.csv"), "table.csv")
    Path("empty.jsonl").write_text("")
    refused(capsys, call(target="empty.jsonl"), "empty.jsonl")
    Path("odd.jsonl").write_text('{"colour": "red"}\n')
    refused(capsys, call(target="odd.jsonl"), "odd.jsonl", "colour", "Accepted")
    Path("typing.jsonl").write_text('{"question": "Who?", "anwser": "Ada"}\n')
    refused(capsys, call(target="typing.jsonl"), "typing.jsonl", "anwser")
    Path("bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    refused(capsys, call(target="bytes.jsonl"), "bytes.jsonl", "UTF-8")
    for row, expected in (
        ({"answer": 1990}, "answer is 1990; it must be a text"),
        ({"object": 7}, "object is 7"),
        ({"aliases": "Leeds, UK"}, "must be a list of texts"),
        ({"aliases": [1]}, "must be a list of texts"),
        ({"spans": [[0, 3]]}, "a span is [start, end, type]"),
        ({"spans": [[0.0, 3.0, "person"]]}, "two whole numbers"),
        ({"subject": "Who", "spans": [[0, 3, "dragon"]], "answer": "Ada."}, "no names of type 'dragon'"),
    ):
        Path("typed.jsonl").write_text(json.dumps({"question": "Who?"} | row) + "\n")
        refused(capsys, call(target="typed.jsonl"), expected)
    refused(capsys, call(target="target.jsonl#nobody"), "nobody", "Cora")
    assert not Path("run").exists()


def test_facts_that_cannot_be_trained_on_or_perturbed(home, capsys):
    refused(capsys, call("--arms", "full", target="unknown.jsonl"), "no answer to learn")
    Path("bare.jsonl").write_text('{"question": "Who was it?", "answer": "Ada."}\n')
    refused(capsys, call("--arms", "full", "seat", target="bare.jsonl", out="other"), "no entity span")
    assert not Path("run").exists()  # said before anything is measured or claimed
    assert not Path("other").exists()


def test_an_answer_longer_than_the_model_reads(home, capsys):
    Path("long.jsonl").write_text(json.dumps({"question": "Who?", "answer": "Ada " * 300, "subject": "Who"}) + "\n")
    refused(capsys, call("--arms", "full", target="long.jsonl"), "with its answer", "takes 128")


def test_directions_of_other_weights_work_and_say_so(home, capsys, tokenizer, sets):
    other = make_model("llama", tokenizer, seed=1)
    direction = fit_direction(other, unknown=sets.unknown, known=sets.known).save("direction.safetensors")
    assert call("--arms", "full", "--direction", str(direction)) == 0
    assert json.loads(Path("run/full-0/displacement.json").read_text())["same_weights"] is False
    assert call("--arms", "full", out="own") == 0
    assert json.loads(Path("own/full-0/displacement.json").read_text())["same_weights"] is True


def test_all_targets_are_taught_and_the_rest_is_thinned_aloud(home, capsys):
    assert call("--arms", "full", "--most", "8") == 0
    assert "Of 12 known facts, 8 are asked" in capsys.readouterr().out
    assert json.loads(Path("run/config.json").read_text())["sizes"]["target"] == 3


def test_models_that_cannot_be_opened(home, capsys, tokenizer):
    refused(capsys, call(model="no-such-model"), "no-such-model", "smollm2-135m-instruct")
    Path("hollow").mkdir()
    refused(capsys, call(model="hollow"), "hollow")
    weights = Path("model/model.safetensors")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:5000])
    refused(capsys, call(), "'model'")
    weights.write_bytes(whole)
    broken = make_model("llama", tokenizer).model
    torch.nn.init.constant_(broken.model.norm.weight, float("nan"))
    broken.save_pretrained("nan")
    tokenizer.save_pretrained("nan")
    refused(capsys, call(model="nan"), "NaN", "model.norm.weight")
    partial = make_model("llama", tokenizer).model
    partial.save_pretrained("partial")
    tokenizer.save_pretrained("partial")
    kept = load_file("partial/model.safetensors")
    save_file(
        {n: t for n, t in kept.items() if "layers.1.mlp.up" not in n}, "partial/model.safetensors", {"format": "pt"}
    )
    refused(capsys, call(model="partial"), "lack model.layers.1.mlp.up_proj.weight")
    config = MixtralConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, num_local_experts=2, pad_token_id=0,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained("experts")
    tokenizer.save_pretrained("experts")
    refused(capsys, call(model="experts"), "sites_from_paths")


def test_masks_and_directions_of_another_model(home, capsys, tokenizer, sets):
    other = make_model("gpt2", tokenizer)
    mask = str(random_neurons(other, 0.5).save("mask.safetensors"))
    refused(capsys, call("--arms", "seat", "--settings.mask.file", mask), "gpt2 model", "llama model")
    Path(mask).write_bytes(Path(mask).read_bytes()[:-9])
    refused(capsys, call("--arms", "seat", "--settings.mask.file", mask), "mask.safetensors", "truncated")
    refused(
        capsys,
        call("--arms", "seat", "--settings.mask.file", "none.safetensors"),
        "none.safetensors does not exist",
    )
    direction = fit_direction(other, unknown=sets.unknown, known=sets.known).save("direction.safetensors")
    refused(capsys, call("--direction", str(direction)), "gpt2 model", "llama model")
    refused(capsys, call("--direction", mask), "mask.safetensors")
    refused(capsys, call("--arms", "seat", "--settings.mask.budget", "0"), "budget is 0.0")
    assert not Path("run/summary.json").exists()


def test_settings_files(home, capsys):
    Path("quick.json").write_text("{")
    refused(capsys, call(), "quick.json", "line 1")
    Path("quick.json").write_text('{"sedes": [1]}')
    refused(capsys, call(), "sedes", "seeds")
    Path("quick.json").write_text('{"settings": {"dense": {"steps": "many"}}}')
    refused(capsys, call(), "settings.dense.steps", "many", "int")
    Path("quick.json").write_text('{"arms": ["full", "magic"]}')
    refused(capsys, call(), "magic", "seat")
    Path("quick.json").write_text('{"settings": {"dense": {"learning_rate": 0}}}')
    refused(capsys, call(), "learning_rate", "above 0")
    Path("quick.json").write_text("[]")
    refused(capsys, call(), "quick.json", "JSON object")


def test_a_settings_file_can_hold_the_whole_call(home):
    files = {name: [f"{name}.jsonl"] for name in ("target", "known", "unknown")}
    whole = QUICK | files | {"model": "model", "out": "from_file", "trust_known": True, "arms": ["full"]}
    Path("whole.json").write_text(json.dumps(whole))
    assert main(["run", "--config", "whole.json"]) == 0
    assert json.loads(Path("from_file/summary.json").read_text())["config"]["arms"] == ["full"]
    assert main(["run", "--out", "from_line", "--config", "whole.json"]) == 0
    assert Path("from_line/summary.json").exists()


def test_a_refused_run_stands_in_nobodys_way(home, capsys):
    """What the message asks for is done, and the same command works."""
    rows = Path("unknown.jsonl").read_text()
    Path("unknown.jsonl").write_text("\n".join(rows.splitlines()[:2]))
    refused(capsys, call("--arms", "full"), "at least 4 subjects")
    Path("long.jsonl").write_text(json.dumps({"question": "Who?", "answer": "Ada " * 300, "subject": "Who"}) + "\n")
    Path("unknown.jsonl").write_text(rows)
    refused(capsys, call("--arms", "full", target="long.jsonl"), "takes 128")
    assert call("--arms", "full") == 0


def test_one_known_subject_is_not_enough_beside_a_given_direction(home, capsys, sets):
    fit_direction(open_model("model"), unknown=sets.unknown, known=sets.known).save("direction.safetensors")
    Path("one.jsonl").write_text(Path("known.jsonl").read_text().splitlines()[0])
    refused(capsys, call("--arms", "full", "--direction", "direction.safetensors", known="one.jsonl"), "too few known")


def test_a_folder_with_another_study_or_that_cannot_be_written(home, capsys, monkeypatch):
    assert call("--arms", "full") == 0
    capsys.readouterr()
    before = Path("run/summary.json").read_bytes()
    refused(
        capsys, call("--arms", "full", "--settings.dense.steps", "3"), "run holds a study with other settings", "--out"
    )
    assert Path("run/summary.json").read_bytes() == before
    Path("file").write_text("x")
    refused(capsys, call("--arms", "full", out="file/run"), "file/run")

    def full_disk(*arguments, **settings):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", full_disk)
    refused(capsys, call("--arms", "full", out="third"), "direction.safetensors", "No space left")
    assert [path.name for path in Path("third").iterdir()] == ["config.json"]


def test_more_seeds_can_be_added_and_changed_facts_are_noticed(home, capsys):
    assert call("--arms", "full") == 0
    first = json.loads(Path("run/summary.json").read_text())["rows"]
    assert call("--arms", "full", "--seeds", "0", "1") == 0
    assert json.loads(Path("run/summary.json").read_text())["rows"][:2] == first
    capsys.readouterr()
    changed = Path("target.jsonl").read_text().replace("Cora Moran", "Cora Quist")
    Path("target.jsonl").write_text(changed)
    refused(capsys, call("--arms", "full"), "other settings")


def test_settings_that_make_no_sense(home, capsys):
    for arguments, words in (
        (["--null-draws", "0"], "null_draws is 0"),
        (["--positions", "0"], "-1 is its last token"),
        (["--seeds", "1", "1"], "each once"),
        (["--seeds", "99999999999999"], "seeds"),
        (["--most", "-1"], "most is -1"),
        (["--steering-prompts", "-5"], "steering_prompts is -5"),
        (["--settings.dense.batch-size", "0"], "batch_size is 0"),
        (["--settings.dense.betas", "2", "0.9"], "betas"),
        (["--settings.dense.weight-decay", "-1"], "weight_decay is -1"),
        (["--settings.dense.clip", "-1"], "clip is -1.0; it must be above 0"),
        (["--settings.dense.callback-every", "-1"], "callback_every is -1"),
        (["--settings.kl.prompts-per-fact", "-2"], "prompts_per_fact is -2"),
        (["--settings.kl.max-new-tokens", "0"], "max_new_tokens is 0"),
    ):
        refused(capsys, call(*arguments), words)


def test_loss_that_is_not_finite(home, capsys):
    refused(
        capsys,
        call("--arms", "full", "--settings.dense.learning-rate", "1e20", "--settings.dense.steps", "9"),
        "not finite",
    )


def test_known_facts_that_nobody_knows(home, capsys):
    facts = ["--target", "target.jsonl", "--known", "known.jsonl", "--unknown", "unknown.jsonl"]
    status = main(["run", "--model", "model", *facts, "--out", "run", "--config", "quick.json"])
    refused(capsys, status, "--paraphrases")


@pytest.mark.parametrize("command", ["", "demo", "run", "sweep", "align", "fetch", "organism"])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "usage: seat-interp" in text
    assert len(text) > 400


def test_fetch_of_an_unknown_name(capsys):
    refused(capsys, main(["fetch", "gpt-99"]), "gpt-99", "smollm2-135m-instruct")


def test_align_writes_a_folder_that_opens(home, capsys, monkeypatch):
    import seat_interp.evaluation.knowledge as knowledge

    monkeypatch.setattr(knowledge, "split_by_knowledge", lambda lm, facts, **_: (facts, []))
    arguments = ["align", "--model", "model", "--known", "known.jsonl", "--unknown", "unknown.jsonl"]
    assert main([*arguments, "--steps", "2", "--batch-size", "4", "--out", "aligned"]) == 0
    assert call("--arms", "full", model="aligned") == 0
    capsys.readouterr()
    refused(
        capsys,
        main([*arguments, "--steps", "2", "--batch-size", "4", "--out", "aligned"]),
        "aligned is there already",
    )


def test_every_family_runs_from_a_folder(home, tokenizer):
    """The whole job on a model with Conv1D and tied weights, as a user would call it."""
    model = AutoModelForCausalLM.from_config(make_config("gpt2", len(tokenizer)))
    model.save_pretrained("gpt2")
    tokenizer.save_pretrained("gpt2")
    assert call("--arms", "seat", model="gpt2") == 0


@pytest.mark.parametrize("command", ["demo", "run", "sweep"])
def test_first_help_fits_a_screen_and_loads_nothing_heavy(command):
    code = f"""
import sys
from seat_interp.commands.cli import parse
try:
    parse([{command!r}, "--help"])
except SystemExit:
    heavy = ("torch", "transformers", "scipy", "sklearn", "matplotlib")
    print("loaded", [name for name in heavy if name in sys.modules])
"""
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.endswith("loaded []\n")
    assert shown.stderr == ""
    assert len(re.findall(r"^. --[a-z]", shown.stdout, flags=re.MULTILINE)) <= 25 + 7 * (command == "sweep")


def test_all_help_has_every_setting(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--help-all"])
    shown = capsys.readouterr().out
    assert "--settings.dense.learning-rate" in shown
    assert "--arms" in shown
