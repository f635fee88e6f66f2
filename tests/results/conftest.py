"""A finished study for the tests that read one."""

import shutil

import pytest
from tiny_study import tiny_study


@pytest.fixture(scope="package")
def study_folder(models_by_family, tmp_path_factory):
    """A finished study; tests that change it make a copy."""
    return tiny_study(models_by_family("llama"), tmp_path_factory.mktemp("study") / "run")


@pytest.fixture
def copy(study_folder, tmp_path):
    """The study, to be changed."""
    return shutil.copytree(study_folder, tmp_path / "copy")
