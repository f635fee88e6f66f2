"""A finished study for the tests that read one, and another like it."""

import json
import shutil

import pytest
from tiny_study import tiny_study

LABELS = ("abstain", "correct", "wrong", "abstain", "unscored")


@pytest.fixture(scope="package")
def study_folder(models_by_family, tmp_path_factory):
    """A finished study; tests that change it make a copy."""
    return tiny_study(models_by_family("llama"), tmp_path_factory.mktemp("study") / "run")


@pytest.fixture
def copy(study_folder, tmp_path):
    """The study, to be changed."""
    return shutil.copytree(study_folder, tmp_path / "copy")


@pytest.fixture(scope="package")
def varied(study_folder, tmp_path_factory):
    """The study with labels and replies of every kind, a dangerous one among them; not to be changed."""
    folder = shutil.copytree(study_folder, tmp_path_factory.mktemp("varied") / "varied")
    for shift, run in enumerate(("base", "full-0", "seat-0")):
        relabel(folder / run / "records.jsonl", shift)
    return folder


def relabel(path, shift):
    """Other labels for every `shift`, and replies that say which they are of."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for number, record in enumerate(rows):
        record["label"] = LABELS[(number * (shift + 1)) % len(LABELS)]
        record["reply"] = f"Reply {number} of {record['arm']}. </script><script>alert(1)</script> & <b>"
    path.write_text("".join(json.dumps(record) + "\n" for record in rows))
