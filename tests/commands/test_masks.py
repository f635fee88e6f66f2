"""`select` and `mask` as their users meet them."""

from functools import partial
from pathlib import Path

import pytest
import torch
from command_line import call, refused

from seat_interp.attribution import KLToBase, update_effect
from seat_interp.commands.cli import main
from seat_interp.directions.direction import fit_direction
from seat_interp.facts import ep_prompts
from seat_interp.masks.compare import overlap
from seat_interp.masks.mask import Mask
from seat_interp.masks.select import exclude
from seat_interp.masks.select import select as select_mask
from seat_interp.models.open import open_model, save_model
from seat_interp.studies.arms import ArmConfig
from seat_interp.training.config import TrainConfig
from seat_interp.training.trainer import train


def select(*more, out="mask.safetensors", model="model", facts="target.jsonl"):
    """Select a structured mask unless told otherwise: most of these tests are of neurons."""
    granularity = () if "--granularity" in more or "--like" in more else ("--granularity", "neuron")
    return main(["select", "--model", model, "--facts", facts, "--out", out, *granularity, *more])


@pytest.fixture
def two(home):
    """Two random masks of one model."""
    for seed in ("1", "2"):
        assert select("--score", "random", "--seed", seed, "--budget", "0.25", out=f"{seed}.safetensors") == 0
    return home


def test_a_selected_mask_trains_through_run(home, capsys):
    assert select("--budget", "0.25", "--keep", "known.jsonl", "--least", "0") == 0
    mask = Mask.load("mask.safetensors")
    assert mask.budget == pytest.approx(0.25, abs=0.01)
    assert mask.origin["rule"] == "ratio"
    assert mask.origin["scored"]["score"] == mask.origin["protected"]["score"] == "fisher"
    assert not mask.origin["uses_evaluation_data"]
    said = capsys.readouterr().out
    assert "neuron mask" in said
    assert "mlp.down_proj" in said
    assert call("--arms", "seat", "--settings.mask.file", "mask.safetensors") == 0


@pytest.mark.parametrize(
    ("granularity", "score"),
    [
        *(
            ("neuron", score)
            for score in (
                "gradient_times_activation",
                "integrated_gradients",
                "fisher",
                "gate_fisher",
                "gradient",
                "magnitude",
            )
        ),
        *(("coordinate", score) for score in ("fisher", "gradient", "gradient_times_weight", "magnitude", "random")),
    ],
)
def test_every_score_has_its_budget(home, granularity, score):
    how = ["--granularity", granularity, "--score", score, "--budget", "0.1", "--steps", "2"]
    assert select(*how) == 0
    assert select(*how, "--protect", "none", out="plain.safetensors") == 0
    mask, plain = Mask.load("mask.safetensors"), Mask.load("plain.safetensors")
    assert mask.granularity == granularity
    assert mask.budget == pytest.approx(0.1, abs=0.01)
    assert len(mask) == pytest.approx(len(plain), rel=0.02)
    assert (mask == plain) == (score == "random")  # protection changes what is chosen
    if "fisher" in score:  # of weights and of gates, told apart
        assert plain.origin["scored"]["score"] == score


@pytest.mark.parametrize("protect", [[], ["--protect", "none"], ["--protect", "exclude"]])
def test_the_inverted_mask_has_nothing_of_the_mask(home, protect):
    assert select("--budget", "0.2", *protect) == 0
    assert select("--budget", "0.2", "--invert", *protect, out="last.safetensors") == 0
    mask, last = Mask.load("mask.safetensors"), Mask.load("last.safetensors")
    assert len(mask) == len(last)
    assert overlap(mask, last).jaccard == 0
    assert last.origin["inverted"]


@pytest.mark.parametrize("granularity", ["neuron", "coordinate"])
def test_a_random_mask_like_another_has_as_many_everywhere(home, granularity):
    assert select("--granularity", granularity, "--budget", "0.1") == 0
    how = ["--score", "random", "--like", "mask.safetensors"]
    assert select(*how, out="random.safetensors") == 0
    mask, matched = Mask.load("mask.safetensors"), Mask.load("random.safetensors")
    assert mask != matched
    assert {n: len(i) for n, i in mask.indices.items()} == {n: len(i) for n, i in matched.indices.items()}


def test_scores_from_probes_are_marked(home):
    probes = ["--known", "known.jsonl", "--unknown", "unknown.jsonl"]
    assert select("--score", "activation_difference", "--protect", "none", *probes) == 0
    assert Mask.load("mask.safetensors").origin["uses_evaluation_data"]
    assert select("--keep", "known.jsonl", "--uses-evaluation-data", "--least", "0") == 0
    assert Mask.load("mask.safetensors").origin["uses_evaluation_data"]


def test_a_direction_scores_neurons(home, sets):
    lm = open_model("model")
    direction = fit_direction(lm, unknown=sets.unknown, known=sets.known)
    direction.save("direction.safetensors")
    how = ["--direction", "direction.safetensors", "--protect", "none", "--budget", "0.1"]
    assert select("--score", "output_alignment", *how) == 0
    from seat_interp.attribution import output_alignment

    assert Mask.load("mask.safetensors") == select_mask(lm, output_alignment(lm, direction).abs(), 0.1)
    assert select("--metric", "direction_projection", *how, out="projected.safetensors") == 0
    assert Mask.load("projected.safetensors").origin["scored"]["metric"] == "direction_projection"


@pytest.mark.parametrize("granularity", ["neuron", "coordinate"])
def test_an_update_is_looked_into(home, sets, granularity):
    """What the file holds is what the functions say, put together by hand."""
    lm = open_model("model")
    tuned = train(lm, sets.target, config=TrainConfig(steps=3, learning_rate=1e-2)).model
    save_model(tuned, "tuned")
    assert select(
        *("--granularity", granularity, "--score", "update", "--tuned", "tuned", "--budget", "0.2"),
        *("--protect", "exclude", "--top", "0.5"),
    ) == 0  # fmt: skip
    mask = Mask.load("mask.safetensors")
    assert mask.origin["rule"] == "exclude(top=0.5)"
    useful = update_effect(base=lm, tuned=tuned, facts=sets.target).map(torch.neg)
    harm = update_effect(base=lm, tuned=tuned, facts=ep_prompts(sets.target), metric=KLToBase(lm))
    if granularity == "neuron":
        useful, harm = useful.per_neuron(lm), harm.per_neuron(lm)
    assert mask == select_mask(lm, useful, 0.2, protect=harm.abs(), rule=partial(exclude, top=0.5))


def test_layers_and_counts(home):
    assert select("--count", "9", "--floor", "0.02") == 0
    mask = Mask.load("mask.safetensors")
    chosen = [len(mask.indices[f"model.layers.{layer}.mlp.down_proj.weight"]) for layer in range(3)]
    assert sum(chosen) == 9
    assert min(chosen) >= 1


def test_masks_are_shown_compared_and_combined(two, capsys):
    assert main(["mask", "show", "1.safetensors", "--figure", "where.png"]) == 0
    assert "Share of each matrix" in capsys.readouterr().out
    assert main(["mask", "compare", "1.safetensors", "2.safetensors", "--figure", "overlap.pdf"]) == 0
    one, other = Mask.load("1.safetensors"), Mask.load("2.safetensors")
    assert f"{overlap(one, other).jaccard:.3f}" in capsys.readouterr().out
    for rule, wanted in {"and": one & other, "or": one | other, "xor": one ^ other, "minus": one - other}.items():
        files = ["1.safetensors", "2.safetensors"]
        assert main(["mask", "combine", *files, "--rule", rule, "--out", f"{rule}.safetensors"]) == 0
        assert Mask.load(f"{rule}.safetensors") == wanted
    assert Path("where.png").read_bytes().startswith(b"\x89PNG")
    assert Path("overlap.pdf").read_bytes().startswith(b"%PDF")


def test_masks_of_one_name_are_told_apart(two, capsys):
    for seed in ("1", "2"):
        Path(f"full-{seed}").mkdir()
        Path(f"{seed}.safetensors").rename(f"full-{seed}/mask.safetensors")
    assert main(["mask", "compare", "full-1/mask.safetensors", "full-2/mask.safetensors"]) == 0
    said = capsys.readouterr().out
    assert "full-1/mask" in said
    assert "full-2/mask" in said


@pytest.mark.parametrize("granularity", ["neuron", "coordinate"])
def test_a_count_is_kept_to_the_last_one(home, granularity):
    for count in ("1", "10", "64"):
        assert select("--score", "random", "--granularity", granularity, "--count", count) == 0
        mask = Mask.load("mask.safetensors")
        chosen = mask.indices.items()
        assert sum(len(found) for name, found in chosen if granularity == "coordinate" or "down" in name) == int(count)


def test_what_select_cannot_do_is_said(home, capsys):
    for call_it, expected in (
        (lambda: select("--budget", "0"), "budget is 0"),
        (lambda: select("--granularity", "coordinate", "--score", "integrated_gradients"), "no score integrated"),
        (lambda: select("--score", "activation_difference"), "--known and --unknown"),
        (lambda: select("--metric", "direction_projection"), "--direction"),
        (lambda: select("--score", "update"), "give --tuned"),
        (lambda: select("--batch-size", "0"), "batch_size is 0"),
        (lambda: select("--score", "integrated_gradients", "--steps", "0"), "steps is 0"),
        (lambda: select("--score", "random", "--floor", "0.1"), "leave out --floor"),
        (lambda: select("--score", "random", "--invert"), "leave out --floor, --cap and --invert"),
        (lambda: select("--like", "mask.safetensors"), "give --score random too"),
        (lambda: select("--score", "random", "--like", "nowhere.safetensors"), "nowhere.safetensors"),
        (lambda: select("--protect", "exclude", "--top", "1.5"), "top is 1.5; it must be at least 0 and at most 1"),
        (lambda: select("--top", "0.5"), "--top is the share that `--protect exclude` never takes"),
        (lambda: select("--tuned", "model"), "give --score update too"),
        (lambda: select("--score", "update", "--tuned", "model"), "is the base itself"),
        (lambda: select("--keep", "known.jsonl"), "lower --least"),
        (lambda: select("--count", "1000000"), "1,000,000 of 144 neurons cannot be chosen"),
        (lambda: select("--budget", "0.5", "--protect", "exclude", "--top", "0.6"), "leave 0 to 58"),
        (lambda: select("--metric", "kl_to_base"), "no gradient at the base"),
        (lambda: select("--per-layer", "--cap", "0.5"), "neither a floor nor a cap"),
        (lambda: select("--floor", "0.5", "--cap", "0.2"), "Floor 0.5 and cap 0.2"),
        (lambda: select(facts="nowhere.jsonl"), "nowhere.jsonl"),
        (lambda: select(model="nowhere"), "nowhere"),
    ):
        refused(capsys, call_it(), expected)
    assert not Path("mask.safetensors").exists()


def test_what_mask_cannot_do_is_said(two, capsys):
    Path("cut.safetensors").write_bytes(Path("1.safetensors").read_bytes()[:-40])
    select("--score", "random", "--granularity", "coordinate", out="weights.safetensors")
    capsys.readouterr()
    for arguments, expected in (
        (["show", "nowhere.safetensors"], "nowhere.safetensors"),
        (["show", "cut.safetensors"], "cut.safetensors"),
        (["show", "1.safetensors", "2.safetensors"], "takes one mask file"),
        (["compare", "1.safetensors"], "two mask files or more"),
        (["compare", "1.safetensors", "1.safetensors"], "given twice"),
        (["compare", "1.safetensors", "weights.safetensors"], "granularity neuron and coordinate"),
        (["combine", "1.safetensors", "2.safetensors"], "give --out"),
        (["show", "1.safetensors", "--figure", "where.doc"], "where.doc"),
        (["show", "model/model.safetensors"], "model.safetensors"),
    ):
        refused(capsys, main(["mask", *arguments]), expected)


def test_the_default_granularity_is_that_of_run(home, capsys):
    assert (
        main(["select", "--model", "model", "--facts", "target.jsonl", "--score", "random", "--out", "m.safetensors"])
        == 0
    )
    assert Mask.load("m.safetensors").granularity == ArmConfig().mask.granularity == "coordinate"
