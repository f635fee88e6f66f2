"""The pages: their code runs, their commands parse, what they point to is there, and what they must name is named."""

import json
import linecache
import pkgutil
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from sybil import Document, Example, Sybil
from sybil.parsers.myst import CodeBlockParser

import seat_interp as si
from seat_interp import plot
from seat_interp.commands.cli import parse
from seat_interp.core.errors import see
from seat_interp.training.config import TrainConfig

ROOT = Path(__file__).parent.parent
MADE = {"generated", "notebooks"}
"""Folders of docs/ that are made when the pages are built."""
FOUND = [path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(path) for path in FOUND if not MADE & set(path.parts))]
NOT_RUN = re.compile(r"<!-- not run: (.+) -->\s*\Z")
WHY_NOT = {
    "docs/file_formats.md": ["it reads the project's own results"],
    "docs/how_to/backends.md": ["needs an account on nnsight's service"],
    "docs/how_to/external_trainer.md": ["a whole Trainer, which analyses/examples/hf_trainer.py runs in the tests"],
    "docs/how_to/gpu_and_cluster.md": ["needs a GPU with room for eight billion weights"],
}
"""Every block that is compiled and not run."""
BRIEF = replace(
    si.ORGANISM,
    settings=replace(
        si.ORGANISM.settings,
        **{name: TrainConfig(steps=2, batch_size=8, learning_rate=1e-3) for name in ("dense", "masked", "regularised")},
    ),
    max_new_tokens=4,
)
"""In the place of the demo's settings: a page's studies and trainings take seconds."""


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command of a block, lines that go on joined, remarks left out."""
    for line in text.replace("\\\n", " ").splitlines():
        if words := shlex.split(re.sub(r"(^|\s+)#.*$", "", line)):
            yield words


def check_command(words: list[str]) -> None:
    """It would be understood: nothing of it is run."""
    if "seat_interp" in words and words[words.index("seat_interp") - 1] == "-m":
        words = ["seat-interp", *words[words.index("seat_interp") + 1 :]]
    match words[0].removeprefix(".venv/bin/"):
        case "seat-interp":
            assert callable(parse(words[1 : words.index(">") if ">" in words else None]).run)
        case "make":
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
            assert words[1] in targets, words
        case "pip":
            extras = re.findall(r"\[(.+)\]", words[-1])
            known = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
            assert set(",".join(extras).split(",")) - {""} <= set(known), words
        case "torchrun" | "accelerate" | "srun":
            assert words[-1] == "mine.py", words
        case other:
            pytest.fail(f"{other} is a command that no test knows")


def run_python(example: Example) -> None:
    """In the page's namespace; a block that is marked is compiled alone."""
    name, source = f"code of {example.path}, line {example.line}", "\n" * example.line + example.parsed
    # Whoever looks for the source of what runs finds code, not a page: tracebacks, and nnsight at every backward pass.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    code = compile(source, name, "exec")
    if not NOT_RUN.search(example.document.text[: example.start]):
        exec(code, example.namespace)


def read_json_block(example: Example) -> None:
    json.loads(example.parsed)


def understand(example: Example) -> None:
    for words in commands(example.parsed):
        check_command(words)


SYBIL = Sybil(
    [
        CodeBlockParser("python", run_python),
        CodeBlockParser("sh", understand),
        CodeBlockParser("json", read_json_block),
    ]
)


def document(page: str) -> Document:
    return SYBIL.parse(ROOT / page)


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page(page, tmp_path, monkeypatch):
    if page.endswith("backends.md"):
        for package in ("transformer_lens", "nnsight", "peft"):
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(si, "ORGANISM", BRIEF)
    read = document(page)
    for example in read.examples():
        example.evaluate()
    if page.endswith("file_formats.md"):
        what_is_kept_is_described(read)


def what_is_kept_is_described(read: Document) -> None:
    """Every file of the run folder that the page made, and every entry of its rows and layers."""
    said = set(re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", read.text, flags=re.DOTALL | re.MULTILINE)))
    for path in map(Path, read.namespace["made"]):
        shown = path.name if len(path.parts) == 1 else f".../{path.name}"
        assert {shown, f"ARM-SEED/{path.name}"} & said, path
    base, full, seat = (Path("run", part) for part in ("base", "full-0", "seat-0"))
    kept = [json.loads((folder / "row.json").read_text()) for folder in (base, full, seat)]
    kept += [json.loads((full / "displacement.json").read_text()), kept[0]["steering"]]
    kept += [kept[1]["displacement"]["unknown"], kept[1]["displacement"]["unknown"]["null"]]
    kept += [json.loads((full / "records.jsonl").read_text().splitlines()[0]), read.namespace["summary"]]
    kept += [json.loads(line)["slick"] for line in Path("slick.jsonl").read_text().splitlines()]
    assert [name for each in kept for name in each if name not in said and f'"{name}"' not in read.text] == []
    for file in ("direction", "capture", "mask", "scores"):
        header = read.namespace["header_of"](f"{file}.safetensors")
        assert set(header) <= said | {"format", "version"}, file


def test_blocks_that_are_not_run_are_few_and_known():
    found = {page: [] for page in PAGES}
    for page in PAGES:
        for example in document(page).examples():
            if marked := NOT_RUN.search(example.document.text[: example.start]):
                found[page].append(marked[1])
    assert {page: why for page, why in found.items() if why} == WHY_NOT


def test_no_block_is_of_a_kind_that_nobody_looks_at():
    kinds = {kind for page in PAGES for kind in re.findall(r"^```(\S+)", (ROOT / page).read_text(), flags=re.MULTILINE)}
    assert kinds <= {"python", "sh", "json", "{include}", "{toctree}", "{eval-rst}"}


def test_pages_that_messages_point_to_are_there():
    code = "".join(path.read_text() for path in (ROOT / "seat_interp").rglob("*.py"))
    named = set(re.findall(r"\bsee\(\s*['\"](.+?)['\"]", code))
    assert len(named) >= 5
    assert [page for page in named if not (ROOT / "docs" / f"{page}.md").is_file()] == []
    assert see("limits") == "See docs/limits.md."


def test_pages_that_pages_point_to_are_there():
    lost = []
    for page in PAGES:
        text, folder = (ROOT / page).read_text(), (ROOT / page).parent
        links = re.findall(r"{doc}`(?:[^`]+<)?([^`>]+)>?`", text)
        lost += [(page, link) for link in links if not (folder / f"{link}.md").is_file()]
        files = re.findall(r"`((?:analyses|figures|docs|seat_interp|tests)/[\w./-]+\.\w+)`", text)
        lost += [(page, file) for file in files if not (ROOT / file).is_file() and "NAME" not in file]
    assert lost == []


def test_the_reference_has_every_name():
    said = "".join(path.read_text() for path in (ROOT / "docs" / "api").glob("*.md"))
    documented = set(re.findall(r"auto(?:function|class|exception):: (\w+)$", said, flags=re.MULTILINE))
    assert set(si.__all__) - documented == {"ORGANISM", "plot"}
    assert set(plot.__all__) <= documented
    assert "`ORGANISM`" in said
    assert "seat_interp.plot" in said


def test_contributing_says_where_every_part_of_the_package_is():
    _, _, said = (ROOT / "CONTRIBUTING.md").read_text().partition("| in `seat_interp/` | is |")
    table, *_ = said.split("\n\n")
    package = ROOT / "seat_interp"
    there = {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    there |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert set(re.findall(r"`([\w.]+/?)`", table)) == there


def test_every_name_of_the_reference_is_there():
    """What the pages' `autofunction` and its like name can be imported: Sphinx itself runs in another target."""
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        module = "seat_interp"
        for kind, name in re.findall(r"^\.\. (currentmodule|auto\w+):: ([\w.]+)", page.read_text(), flags=re.MULTILINE):
            if kind == "currentmodule":
                module = name
            elif kind != "automodule":
                assert pkgutil.resolve_name(name if "." in name else f"{module}.{name}") is not None, page.name


def test_readme_is_a_screen_and_a_half():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 90
    assert sum("![" in line for line in lines) == 1
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


def test_every_figure_is_in_the_gallery():
    import gallery

    shown = list(gallery.pictures())
    assert {each.name for each in shown} == {path.stem for path in (ROOT / "figures").glob("*.png")}
    text = gallery.page(shown)
    assert all(f":target: figures/{each.name}.png" in text for each in shown)
    assert all(each.caption.endswith(".") and all(each.commands) for each in shown)
    assert (ROOT / "figures" / "README.md").read_text() == gallery.readme(shown)


def test_drawings_are_those_of_their_script(tmp_path):
    import drawings

    for folder in ("one", "two"):
        drawings.main(tmp_path / folder)
    made = {path.name: path.read_text() for path in (tmp_path / "one").glob("*.svg")}
    assert made == {path.name: path.read_text() for path in (tmp_path / "two").glob("*.svg")}
    assert set(made) == {path.name for path in drawings.FOLDER.glob("*.svg")}
    concepts = (ROOT / "docs" / "concepts.md").read_text()
    assert all(f"drawings/{name})" in concepts for name in made)


def test_citation_is_whole():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "type", "version", "license"} <= set(cited)
    assert f'version = "{cited["version"]}"' in (ROOT / "pyproject.toml").read_text()
    papers = [each["identifiers"][0]["value"] for each in cited["references"]]
    assert papers == ["arXiv:2506.14387", "arXiv:2604.15574", "arXiv:2405.05904"]
    for each in (cited, *cited["references"]):
        assert {"type", "title", "authors"} <= set(each)
        assert all(set(author) <= {"family-names", "given-names", "name"} for author in each["authors"])
