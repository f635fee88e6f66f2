"""Versions: of Python, of what seat_interp cannot do without, and of what its extras bring."""

import platform
from collections.abc import Iterator
from importlib import import_module, metadata
from importlib.util import find_spec

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from seat_interp.commands.doctor._finding import Finding, first_line

USES = {
    "lens": "models held by TransformerLens",
    "nnsight": "models held by nnsight, and its remote service",
    "peft": "LoRA, and masks handed over as adapters",
    "train": "masks in the Trainer and in TRL",
    "hub": "data sets of the Hugging Face hub",
    "gguf": "SmolLM2 where the hub cannot be reached",
    "sweep": "arms and seeds as jobs of their own",
    "stats": "the linear model of accuracy",
    "notebooks": "the notebooks",
}
"""What each extra is for; those that are not here serve the project's own development."""


def versions() -> Iterator[Finding]:
    """Python, seat_interp, and the packages that it cannot do without."""
    python = platform.python_version()
    if version_of("seat_interp") is None:
        yield Finding("versions", "python", "ok", python, value=python)
        remedy = "pip install -e . in its folder; what it needs is not known before that."
        yield Finding("versions", "seat_interp", "problem", "runs from a folder, not installed", remedy)
        return
    package = metadata.metadata("seat_interp")
    asked = SpecifierSet(package["Requires-Python"])
    right = asked.contains(python, prereleases=True)
    remedy = "" if right else f"Take a Python {asked}."
    yield Finding("versions", "python", "ok" if right else "problem", python, remedy, True, python)
    yield Finding("versions", "seat_interp", "ok", package["Version"], value=package["Version"])
    for wanted in requirements():
        yield judge(wanted, "versions", "pip install seat_interp", needed=True)


def extras() -> Iterator[Finding]:
    """Packages that not everybody needs, with the extra that brings them."""
    wanted: dict[str, tuple[Requirement, list[str]]] = {}
    for extra in USES if version_of("seat_interp") else ():
        for requirement in requirements(extra):
            wanted.setdefault(requirement.name, (requirement, []))[1].append(extra)
    for requirement, brought_by in wanted.values():
        purpose = "; ".join(USES[extra] for extra in brought_by)
        yield judge(requirement, "extras", f'pip install "seat_interp[{brought_by[0]}]"', purpose=purpose)


def requirements(extra: str = "") -> list[Requirement]:
    """What the metadata of seat_interp ask for: always, or with an extra."""
    all_of_them = [Requirement(text) for text in metadata.requires("seat_interp") or ()]
    always = [
        requirement
        for requirement in all_of_them
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    if not extra:
        return always
    return [
        requirement
        for requirement in all_of_them
        if requirement not in always and requirement.marker and requirement.marker.evaluate({"extra": extra})
    ]


def judge(wanted: Requirement, part: str, get: str, *, purpose: str = "", needed: bool = False) -> Finding:
    """Compare what is installed with what is required.

    Args:
        wanted: Package and its versions.
        part: Part of the finding.
        get: Command that installs it.
        purpose: Purpose of the package.
        needed: Whether the demo needs it.
    """
    installed, for_what = version_of(wanted.name), f", for {purpose}" if purpose else ""
    if installed is None:
        return Finding(part, wanted.name, "missing", f"not installed{for_what}", get, needed)
    if not wanted.specifier.contains(installed, prereleases=True):
        text = f"{installed}, where {wanted.specifier} is asked for"
        return Finding(part, wanted.name, "problem", text, get, needed, installed)
    return Finding(part, wanted.name, "ok", installed + for_what, "", needed, installed)


def loads() -> Iterator[Finding]:
    """Whether torch and transformers can be imported: builds for another machine cannot."""
    for name in ("torch", "transformers"):
        if find_spec(name) is None:
            continue  # said to be missing already
        try:
            import_module(name)
        except Exception as error:
            remedy = f"pip install --force-reinstall {name}"
            yield Finding("versions", f"import {name}", "problem", first_line(error), remedy, True)


def version_of(package: str) -> str | None:
    """The version that is installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
