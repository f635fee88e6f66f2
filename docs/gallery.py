"""The gallery: every figure with a sentence and the command that makes its numbers.

Written for the pages as they are built, and by `make figures` as figures/README.md. What there is to show stands in
`RESULTS` of analyses/figures.py, the commands in the result files, the sentences here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2

from PIL import Image

from analyses.figures import RESULTS
from seat_interp.core.files import read_json, write_text

ROOT = Path(__file__).parent.parent
FIGURES, SAVED = ROOT / "figures", ROOT / "analyses" / "results"
THUMBNAIL = (720, 540)
"""Largest width and height, in pixels: twice what is shown, for fine screens."""
PARTS = {"organism": "On the organism", "smollm2": "On SmolLM2-135M-Instruct", "benchmark": "Benchmarks"}
"""Headings, by how the results' names begin."""

STUDIES = {
    "organism_ablations_people": "SEAT taken apart, on new people",
    "organism_ablations_contracts": "SEAT taken apart, on new contracts",
    "organism_arms_people": "every arm, tuned alike, on new people",
    "organism_arms_contracts": "every arm, tuned alike, on new contracts",
    "organism_over_abstention_people": "what keeps SEAT from refusing what was known, on new people",
    "organism_over_abstention_contracts": "what keeps SEAT from refusing what was known, on new contracts",
    "organism_sparsity_people": "SEAT and sparse training from 0.1 to 100 % of the weights, on new people",
    "organism_sparsity_contracts": "SEAT and sparse training from 0.1 to 100 % of the weights, on new contracts",
    "smollm2_arms_pistol": "nine arms on PISTOL contracts, one seed",
    "smollm2_arms_tofu": "nine arms on TOFU authors, one seed",
    "smollm2_arms_pistol_second": "full fine-tuning, SEAT, SEAT + self-distillation, on PISTOL contracts, another base",
    "smollm2_arms_tofu_second": "SEAT, + self-distillation, + KL on base continuations, on TOFU authors, another base",
    "smollm2_headline": "full fine-tuning, SEAT, and SEAT with self-distillation, on PISTOL contracts",
}
KINDS = {
    "_rates": "Target recall, abstention, known recall and over-abstention: {}.",
    "_displacement": "Displacement along the ignorance direction by layer, beside random directions: {}.",
    "": "Displacement, shift across it, abstention and what is learnt, by the share of trained weights; hollow where "
    "less than 0.95 was learnt, grey band: random directions. Last, drift of target against unknown prompts: {}.",
}
"""What a figure shows of a study, by the end of its name."""
OWN = {
    "benchmark_capture": "What a capture costs beside the plain backbone and other ways.",
    "benchmark_capture_memory": "How memory grows with prompts: projections kept, shards on disk, sums in one pass.",
    "organism_fidelity": "How well each score ranks neurons by what their exact ablation does.",
    "organism_forgetting": "Learning curves of freezing, self-distillation, SEAT and relabelling on the same facts.",
    "organism_forgetting_prediction": "Whether displacement tells which runs lose what was known: run by run.",
    "organism_interference": "What new facts cost, by their number and by whether keys and values are like names.",
    "organism_masks": "What every way of choosing a mask keeps: known recall against abstention at equal budget.",
    "organism_masks_by_budget": "The four rates of every way of choosing a mask, by budget.",
    "organism_mixing": "Known and Unknown facts in one training set: how they are fitted, and what that does.",
    "organism_overlap_stability": "How much two masks share that were made alike, beside two random ones.",
    "organism_overlap_where": "Where masks live: the share of each matrix in each layer that they hold.",
    "organism_pca": "Prompts in the plane of the base's unverifiable ones, layer by layer, before and after.",
    "organism_prediction": "Displacement against lost abstention, run by run.",
    "organism_rounds": "New facts in five rounds: what each learns, and what is left of all that was there before.",
    "smollm2_interference": "What new facts cost, by their number and by whether keys and values are like names.",
    "smollm2_masks": "The organism's best rule for masks against random masks, one seed: known recall and abstention.",
    "smollm2_mixing": "Known and Unknown facts of EntityQuestions in one training set, one seed.",
}
"""Sentences of the figures that no other study has."""


@dataclass(frozen=True)
class Picture:
    """A figure of the gallery.

    Attributes:
        name: of its files, without the ending.
        part: the heading that it stands under.
        caption: what it shows.
        commands: that make its numbers.
    """

    name: str
    part: str
    caption: str
    commands: tuple[str, ...]


def pictures() -> Iterator[Picture]:
    """Of every result that is there, in the order of `RESULTS`."""
    for result, shown in RESULTS.items():
        if not (saved := SAVED / f"{result}.json").exists():
            continue
        commands = tuple(dict.fromkeys(read_json(saved)["command"].split("; ")))
        for suffix in shown.figures:
            name = f"{result}{suffix}"
            caption = OWN[name] if name in OWN else KINDS[suffix].format(STUDIES[result])
            yield Picture(name, PARTS[result.partition("_")[0]], caption, commands)


def page(shown: list[Picture]) -> str:
    """In MyST: thumbnails that lead to the whole figures."""
    lines: list[str] = []
    for part in dict.fromkeys(picture.part for picture in shown):
        lines += [f"## {part}", "", "::::{container} gallery", ""]
        for each in shown:
            if each.part == part:
                lines += [f":::{{figure}} generated/thumbnails/{each.name}.png", f":target: figures/{each.name}.png"]
                lines += [f":alt: {each.caption}", "", each.caption, "", "```sh", *each.commands, "```", ":::", ""]
        lines += ["::::", ""]
    return "\n".join(lines)


def readme(shown: list[Picture]) -> str:
    """In plain Markdown, for those who look into figures/."""
    lines = ["# Figures", "", "Written by `make figures`, which draws all of them from `analyses/results/`."]
    lines += ["Beside each PNG: a PDF, and a JSON file of the numbers in it. In `tables/`: the tables of the results."]
    for part in dict.fromkeys(picture.part for picture in shown):
        lines += ["", f"## {part}"]
        for each in shown:
            if each.part == part:
                made = "; ".join(f"`{command}`" for command in each.commands)
                lines += ["", f"[![{each.name}]({each.name}.png)]({each.name}.png)", "", f"{each.caption} {made}"]
    lines += ["", "## Tables", "", "As Markdown, LaTeX (booktabs) and JSON.", ""]
    for name in sorted(path.stem for path in (FIGURES / "tables").glob("*.md")):
        lines.append(f"- [{name}](tables/{name}.md): `{read_json(SAVED / f'{name}.json')['command']}`")
    return "\n".join([*lines, ""])


def write_gallery(folder: Path) -> None:
    """The part of the page that is made, its thumbnails, and the whole figures for the built site."""
    shown = list(pictures())
    for each in shown:
        drawn = FIGURES / f"{each.name}.png"
        whole, small = folder / "extra" / "figures" / drawn.name, folder / "thumbnails" / drawn.name
        if small.exists() and small.stat().st_mtime >= drawn.stat().st_mtime:
            continue
        for path in (whole, small):
            path.parent.mkdir(parents=True, exist_ok=True)
        copy2(drawn, whole)
        with Image.open(drawn) as image:
            image.thumbnail(THUMBNAIL)
            image.save(small, optimize=True)
    write_text(folder / "gallery.md", page(shown))


if __name__ == "__main__":
    write_text(FIGURES / "README.md", readme(list(pictures())))
