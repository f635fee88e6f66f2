"""What lies where in `analyses/`: what scripts share is in a file of its own, and the README names every file."""

import ast
from pathlib import Path

import pytest

ANALYSES = Path(__file__).parents[2] / "analyses"
FILES = [path for path in ANALYSES.rglob("*.py") if path.name != "__init__.py"]
SCRIPTS = {
    ".".join(path.relative_to(ANALYSES.parent).with_suffix("").parts)
    for path in FILES
    if '\nif __name__ == "__main__":\n' in path.read_text()
}


def imported(path):
    """Yield the full names of modules, and of what is taken from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_scripts_are_found():
    assert {"analyses.figures", "analyses.organism.masks", "analyses.benchmarks.training"} <= SCRIPTS
    assert not [name for name in SCRIPTS if name.startswith(("analyses.common.", "analyses.plots."))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ANALYSES)))
def test_nothing_imports_a_script(path):
    assert SCRIPTS.isdisjoint(imported(path))
    assert "sys.path" not in path.read_text()


def test_the_table_of_forgetting_has_every_arm():
    from analyses.organism.forgetting import ARMS
    from analyses.plots.organism_tables import FORGETTING_ORDER

    assert tuple(ARMS) == FORGETTING_ORDER


def test_every_file_is_in_the_readme():
    said = (ANALYSES / "README.md").read_text()
    assert [path for path in FILES if f"`{path.relative_to(ANALYSES)}`" not in said] == []
