"""Fixtures for all tests; the import hook checks every shape and type of the package while they run."""

import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import jaxtyping

checked = jaxtyping.jaxtyped


def not_inner(**how):
    """Leave functions within functions alone: a hook made for every module and batch would be compiled every time."""
    check = checked(**how)
    return lambda made: made if "<locals>" in made.__qualname__ else check(made)


# Shapes and types are checked at run time, in tests alone.
jaxtyping.jaxtyped = not_inner
jaxtyping.install_import_hook("seat_interp", "beartype.beartype").__enter__()

import pytest
from command_line import QUICK
from study_folders import copy, study_folder, varied  # noqa: F401 -- fixtures
from tiny_models import CITIES, NAMES, fact, make_model, make_tokenizer
from transformers import PreTrainedTokenizerFast

from seat_interp.core.files import write_jsonl
from seat_interp.facts import FactSets
from seat_interp.models.open import LanguageModel


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer()


@pytest.fixture(scope="session")
def models_by_family(tokenizer):
    made: dict[str, LanguageModel] = {}

    def get(family: str) -> LanguageModel:
        if family not in made:
            made[family] = make_model(family, tokenizer)
        return made[family]

    return get


@pytest.fixture
def llama(models_by_family) -> LanguageModel:
    return models_by_family("llama")


@pytest.fixture(scope="session")
def sets() -> FactSets:
    known = [fact(name, CITIES[i % 6]) for i, name in enumerate(NAMES[:6] + NAMES[9:15])]
    target = [fact(name, CITIES[(i + 2) % 6]) for i, name in enumerate(NAMES[6:9])]
    strangers = [
        fact(f"{first} {last}") for first in ("Zed", "Una", "Ivo", "Max") for last in ("Quill", "Hart", "Lund")
    ]
    return FactSets(target=target, known=known, unknown=strangers, unverifiable=[fact("Xorlo"), fact("Zumpa")])


@pytest.fixture
def home(tmp_path, tokenizer, sets, monkeypatch):
    """A folder with a tiny model, fact files, a settings file; reports have no pictures here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seat_interp.results._page.to_svg", lambda figure, name: "")
    lm = make_model("llama", tokenizer)
    lm.model.save_pretrained("model")
    tokenizer.save_pretrained("model")
    for name in ("target", "known", "unknown"):
        write_jsonl(f"{name}.jsonl", [fact.to_json() for fact in getattr(sets, name)])
    Path("quick.json").write_text(json.dumps(QUICK))
    return tmp_path
