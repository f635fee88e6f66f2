"""EntityQuestions as SmolLM2-135M-Instruct is asked it: relations, evenly spaced facts, and what SLiCK finds."""

from collections.abc import Sequence
from pathlib import Path

from seat_interp.evaluation.slick import SlickConfig, SlickResult, slick_to
from seat_interp.facts import Fact, read_entityquestions
from seat_interp.facts.sources import thinned_facts
from seat_interp.models.open import LanguageModel, open_model

RELATIONS = ("P131", "P136", "P17", "P19", "P26", "P264", "P36", "P40", "P495", "P69", "P740", "P800")
OTHERS = ("P127", "P50", "P407", "P176", "P170", "P175", "P112")
TRAINED, TESTED = 84, 30
"""Facts of each relation, of the train split (the 12 alone) and of the test split; evenly spaced."""


def facts_of(data: Path, split: str, relations: Sequence[str], most: int | None = None) -> list[Fact]:
    """Facts with one accepted answer, as the paper keeps them; so many of each relation."""
    found = []
    for relation in relations:
        read = read_entityquestions(data / f"entityquestions/{split}/{relation}.{split}.json")
        facts = [fact for fact in read if not fact.aliases]
        found += facts if most is None else thinned_facts(facts, most)
    return found


def prepare(data: Path, work: Path, batch: int = 32) -> tuple[LanguageModel, dict[str, list[SlickResult]]]:
    """The model, and the facts of `train`, `test` and `other` as SLiCK sorts them."""
    lm, config = open_model("smollm2-135m-instruct", system=""), SlickConfig()
    work.mkdir(parents=True, exist_ok=True)
    dev = facts_of(data, "dev", (*RELATIONS, *OTHERS))
    asked = {
        "train": facts_of(data, "train", RELATIONS, TRAINED),
        "test": facts_of(data, "test", RELATIONS, TESTED),
        "other": facts_of(data, "test", OTHERS, TESTED),
    }
    return lm, {
        n: slick_to(lm, facts=facts, dev=dev, path=work / f"{n}.jsonl", config=config, batch_size=batch)
        for n, facts in asked.items()
    }
