"""Docstrings say what they must, and the example of every exported name runs."""

import doctest

import pytest
from docstring_rules import PACKAGE, violations

import seat_interp as si

NAMES = [name for name in si.__all__ if name != "plot"]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_docstrings_are_complete_and_arguments_are_noun_phrases(path):
    assert list(violations(path)) == []


@pytest.fixture(scope="module")
def shown():
    """What every example may use: the package, the organism, and its facts."""
    return {"si": si, "lm": si.open_model("organism"), "facts": si.organism_facts()}


@pytest.mark.parametrize("name", NAMES)
def test_every_exported_name_has_an_example_that_runs(name, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    docstring = getattr(si, name).__doc__ or ""
    assert "\n    Example:\n" in docstring or "\nExample:\n" in docstring, f"si.{name} has no example"
    test = doctest.DocTestParser().get_doctest(docstring, dict(shown), f"si.{name}", None, None)
    assert test.examples, f"the example of si.{name} has no lines that begin with >>>"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)
