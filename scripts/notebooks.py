"""Notebooks from their scripts: run from nothing but the package, outputs kept, nothing of this machine in them.

python scripts/notebooks.py [NAME ...]        (`make notebooks`; all that are in notebooks/ if none is named)
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",  # outputs are the same on any number of cores, and a model this small gains nothing
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", "pygments_lexer": "ipython3"}
"""Without the version, which is this machine's."""


def execute(script: Path, folder: Path) -> NotebookNode:
    """The notebook of a percent script with what its cells gave, run in a folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = jupytext.read(script)
    os.environ.update(QUIET)
    where = {"metadata": {"path": str(folder)}}
    how = {"kernel_name": "python3", "timeout": 600, "record_timing": False, "coalesce_streams": True}
    NotebookClient(notebook, resources=where, **how).execute()
    return notebook


def portable(notebook: NotebookNode) -> NotebookNode:
    """With the same bytes for the same cells and outputs, on any machine; without its warnings, which are its own."""
    notebook.metadata = {
        "jupytext": {"formats": "ipynb,py:percent"},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": LANGUAGE,
    }
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def warnings(notebook: NotebookNode) -> str:
    """What was written to stderr."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.get("name") == "stderr")


def main(names: list[str]) -> None:
    """Run each and write it; warnings are told, and not kept."""
    for script in sorted(NOTEBOOKS.glob("*.py")):
        if names and script.stem not in names:
            continue
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(script, Path(folder))
        sys.stderr.write(warnings(notebook))
        nbformat.write(portable(notebook), script.with_suffix(".ipynb"))
        print(f"{script.stem}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
