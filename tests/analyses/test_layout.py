"""What lies where in `analyses/`: what scripts share is in a file of its own, and the README names every file."""

import ast
from pathlib import Path

import pytest

ANALYSES = Path(__file__).parents[2] / "analyses"
FILES = [path for path in ANALYSES.rglob("*.py") if path.name != "__init__.py"]
SCRIPTS = {path.stem for path in FILES if '\nif __name__ == "__main__":\n' in path.read_text()}
DRAWS = "figures.py"
"""Has the tables of all studies."""


def imported(path):
    """Modules, by the first part of their names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_scripts_are_found():
    assert {"figures", "masks", "slick", "training"} <= SCRIPTS
    assert not {"interleave", "organism", "mask_runs"} & SCRIPTS


@pytest.mark.parametrize("path", [each for each in FILES if each.name != DRAWS], ids=lambda path: path.name)
def test_nothing_imports_a_script(path):
    assert SCRIPTS.isdisjoint(imported(path))


def test_every_file_is_in_the_readme():
    said = (ANALYSES / "README.md").read_text()
    assert [path for path in FILES if f"`{path.relative_to(ANALYSES)}`" not in said] == []
