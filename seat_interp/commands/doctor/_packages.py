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
    here = platform.python_version()
    if version_of("seat_interp") is None:
        yield Finding("versions", "python", "ok", here, value=here)
        remedy = "pip install -e . in its folder; what it needs is not known before that."
        yield Finding("versions", "seat_interp", "problem", "runs from a folder, not installed", remedy)
        return
    said = metadata.metadata("seat_interp")
    asked = SpecifierSet(said["Requires-Python"])
    right = asked.contains(here, prereleases=True)
    remedy = "" if right else f"Take a Python {asked}."
    yield Finding("versions", "python", "ok" if right else "problem", here, remedy, True, here)
    yield Finding("versions", "seat_interp", "ok", said["Version"], value=said["Version"])
    for wanted in requirements():
        yield judge(wanted, "versions", "pip install seat_interp", needed=True)


def extras() -> Iterator[Finding]:
    """Packages that not everybody needs, with the extra that brings them."""
    wanted: dict[str, tuple[Requirement, list[str]]] = {}
    for extra in USES if version_of("seat_interp") else ():
        for each in requirements(extra):
            wanted.setdefault(each.name, (each, []))[1].append(extra)
    for each, brought_by in wanted.values():
        purpose = "; ".join(USES[extra] for extra in brought_by)
        yield judge(each, "extras", f'pip install "seat_interp[{brought_by[0]}]"', purpose=purpose)


def requirements(extra: str = "") -> list[Requirement]:
    """What the metadata of seat_interp ask for: always, or with an extra."""
    every = [Requirement(text) for text in metadata.requires("seat_interp") or ()]
    always = [each for each in every if each.marker is None or each.marker.evaluate({"extra": ""})]
    if not extra:
        return always
    return [each for each in every if each not in always and each.marker and each.marker.evaluate({"extra": extra})]


def judge(wanted: Requirement, part: str, get: str, *, purpose: str = "", needed: bool = False) -> Finding:
    """Hold what is installed against what is asked for.

    Args:
        wanted: the package and its versions.
        part: of the finding.
        get: how to install it.
        purpose: what for.
        needed: whether the demo needs it.
    """
    there, for_what = version_of(wanted.name), f", for {purpose}" if purpose else ""
    if there is None:
        return Finding(part, wanted.name, "missing", f"not installed{for_what}", get, needed)
    if not wanted.specifier.contains(there, prereleases=True):
        found = f"{there}, where {wanted.specifier} is asked for"
        return Finding(part, wanted.name, "problem", found, get, needed, there)
    return Finding(part, wanted.name, "ok", there + for_what, "", needed, there)


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
