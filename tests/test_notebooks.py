"""Notebooks: in step with their scripts and readable as they lie there; run anew by `make test-notebooks`."""

import ast
import re
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")
pytest.importorskip("nbclient")

from notebooks import NOTEBOOKS, execute, warnings

SCRIPTS = sorted(NOTEBOOKS.glob("*.py"))
each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
A_MACHINES_PATH = re.compile(r"(?<![\w.:/])(?:/(?:home|root|tmp|usr|opt|var|mnt|work|private|Users)/|[A-Z]:\\)")


def read(script: Path):
    return jupytext.read(script.with_suffix(".ipynb"))


def shows(source: str) -> bool:
    """Whether a cell prints, or ends with an expression."""
    lines = [line for line in source.splitlines() if not line.startswith("%")]
    body = ast.parse("\n".join(lines)).body
    return bool(body) and (isinstance(body[-1], ast.Expr) or "print(" in source)


def outputs(script: Path):
    return [output for cell in read(script).cells for output in cell.get("outputs", ())]


def texts(output) -> list[str]:
    if output.output_type == "stream":
        return [output.text]
    return [text for kind, text in output.data.items() if kind.startswith("text/")]


def test_there_are_seven():
    assert [script.stem[:2] for script in SCRIPTS] == [f"{number}_" for number in range(1, 8)]
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == [script.stem for script in SCRIPTS]


@each
def test_in_step_with_its_script(script):
    of_script, kept = ([(cell.cell_type, cell.source) for cell in jupytext.read(path).cells]
                       for path in (script, script.with_suffix(".ipynb")))  # fmt: skip
    assert kept == of_script, "run `make notebooks`"
    assert read(script).metadata["jupytext"]["formats"] == "ipynb,py:percent"


@each
def test_a_question_an_answer_and_exercises(script):
    headings = [line for cell in read(script).cells if cell.cell_type == "markdown"
                for line in cell.source.splitlines() if line.startswith("#")]  # fmt: skip
    assert headings[0].startswith(f"# {script.stem[0]}. ")
    assert headings[0].endswith("?")
    assert headings[-2:] == ["## Answer", "## Exercises"]
    exercises = read(script).cells[-1].source
    assert len(re.findall(r"^\d\. ", exercises, re.MULTILINE)) >= 3


@each
def test_what_cells_show_is_kept(script):
    for cell in read(script).cells:
        if cell.cell_type == "code":
            assert cell.execution_count
            assert cell.outputs or not shows(cell.source), cell.source


@each
def test_figures_are_kept_as_pictures(script):
    plots = [cell for cell in read(script).cells if cell.cell_type == "code" and "si.plot." in cell.source]
    assert plots
    for cell in plots:
        assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source


@each
def test_nothing_failed_and_nothing_is_of_a_machine(script):
    kept = read(script)
    assert not [output for output in outputs(script) if output.output_type == "error"]
    assert not warnings(kept)
    assert not [text for output in outputs(script) for text in texts(output) if A_MACHINES_PATH.search(text)]
    assert kept.metadata["kernelspec"]["name"] == "python3"
    assert "version" not in kept.metadata["language_info"]
    assert not [cell.metadata for cell in kept.cells if cell.metadata]


@pytest.mark.notebooks
@each
def test_it_runs(script, tmp_path):
    assert not [output for cell in execute(script, tmp_path).cells for output in cell.get("outputs", ())
                if output.output_type == "error"]  # fmt: skip
