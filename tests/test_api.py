"""The names of the package: each resolves, none is loaded before it is used, and what a notebook shows is short."""

import json
import subprocess
import sys
from functools import cache
from types import ModuleType

import pytest
import torch
from signatures import LIST, signatures

import seat_interp as si

HEAVY = ("torch", "transformers", "matplotlib", "sklearn", "scipy", "jinja2")


def in_a_new_process(code: str) -> str:
    """What it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_every_name_resolves():
    assert 60 <= len(si.__all__) <= 84  # one page
    assert set(si.__all__) <= set(dir(si))
    for name in si.__all__:
        assert isinstance(getattr(si, name), ModuleType) == (name == "plot"), name


def test_exported_names_and_signatures_are_those_that_others_rely_on():
    """A change breaks other people's code: say it in CHANGELOG.md, then run `python tests/signatures.py`."""
    assert signatures() == LIST.read_text()


def test_importing_loads_nothing_heavy():
    code = "import sys, seat_interp, seat_interp.commands.cli; print([name for name in {!r} if name in sys.modules])"
    assert in_a_new_process(code.format(HEAVY)) == "[]"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("si.fit_direction(lm, unknown=['Who?'] * 4, known=facts.known[:4])", "unknown[...] must be a Fact"),
        ("si.fit_direction(lm, unknown=facts.unknown[0], known=facts.known[:4])", "unknown must be a list of facts"),
        ("si.ask(lm, facts.known[:4])", "sets must be a mapping"),
        ("si.ask('organism', {'known': facts.known[:4]})", "lm must be a LanguageModel"),
        ("si.capture_sets(lm, facts.known[:4])", "sets must be a mapping"),
        ("si.train(lm, facts.target[0])", "facts must be a list of facts"),
        ("si.split_by_knowledge(lm, 'facts.jsonl')", "facts must be a list of facts"),
        ("si.random_neurons(lm) & 3", "on the right of '&' must be a Mask"),
        ("direction + 1", "other must be another IgnoranceDirection"),
        ("direction - 'x'", "other must be another IgnoranceDirection"),
        ("direction * 'x'", "factor must be a number"),
    ],
)
def test_a_wrong_operand_or_type_is_named_with_what_was_expected(call, named):
    """Without beartype, which refuses most of them first in the other tests."""
    assert named in outcomes()[call]


@cache
def outcomes():
    (mark,) = test_a_wrong_operand_or_type_is_named_with_what_was_expected.pytestmark
    calls = mark.args[1]
    code = f"""
import json
import seat_interp as si
from dataclasses import replace
lm, facts = si.open_model("organism"), si.organism_facts()
direction = si.fit_direction(lm, unknown=facts.fit_unknown[:8], known=facts.fit_known[:8])
found = {{}}
for call in {[call for call, _ in calls]!r}:
    try:
        eval(call)
    except (TypeError, si.SeatError) as error:
        found[call] = str(error)
print(json.dumps(found))
"""
    return json.loads(in_a_new_process(code).splitlines()[-1])


def test_modules_do_not_hide_the_functions_of_their_names():
    code = """
import seat_interp as si
import seat_interp.capture, seat_interp.directions.displacement
from seat_interp.capture import Kind
si.fit_direction
print(callable(si.capture), callable(si.displacement), si.plot.__name__, si.Kind is Kind)
"""
    assert in_a_new_process(code) == "True True seat_interp.plot True"


def test_what_a_notebook_shows_is_short(llama, sets):
    direction = si.fit_direction(llama, unknown=sets.unknown, known=sets.known)
    mask = si.random_neurons(llama)
    moved = si.displacement(
        base=llama, tuned=llama, sets={"unknown": sets.unknown, "known": sets.known}, direction=direction
    )
    shown = [
        (llama, "LanguageModel('llama': llama, 3 layers of width 32, "),
        (direction, f"IgnoranceDirection(3 layers of width 32: layer {direction.layer}, token -1, AUROC "),
        (si.capture(llama, ["Who?"]), "Capture(1 prompts, layers [0, 1, 2], width 32, residual)"),
        (sets, "FactSets(target: 3, known: 12, unknown: 12, unverifiable: 2)"),
        (
            moved,
            f"Displacement at layer {direction.layer}, in separations:\n  unknown +0.00 [+0.00, +0.00], random ",
        ),
    ]
    for value, said in shown:
        assert repr(value).startswith(said), repr(value)
    assert repr(mask) == f"Mask(neuron, {len(mask):,} weights, budget {mask.budget:.3g})"
    scores = si.attribute(llama, sets.target)
    assert repr(scores) == f"Scores(neuron, gradient_times_activation: {llama.sites.neurons:,} in 3 tensors)"
    trained = si.train(llama, sets.target, config=si.TrainConfig(steps=1))
    assert len(trained.log) == 1
    assert "cross_entropy" not in repr(trained)


def test_the_first_call_needs_no_settings(llama, sets):
    assert si.random_neurons(llama) == si.random_neurons(llama, 0.1, 0)
    assert si.select(llama, si.attribute(llama, sets.target)).budget > 0
    last = si.capture_sets(llama, {"known": sets.known})["known"]
    torch.testing.assert_close(last, si.capture(llama, [fact.question for fact in sets.known]).values)
    copy = si.perturb(sets.target[0])
    assert copy.subject not in (sets.target[0].subject, "")
    assert copy == si.perturb(sets.target[0])
