"""SmolLM2-135M-Instruct, taught to say that it does not know, and the sets of facts that its studies share.

What it knows is found first, then it is taught to abstain on the rest. Each stage is kept in a work folder and taken up
again where it was cut off. About 20 minutes on two cores.
"""

import bisect
import itertools
import random
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from analyses.common.small_runs import claim
from seat_interp.core.files import read_json, read_jsonl, write_json, write_jsonl
from seat_interp.core.ledger import once
from seat_interp.evaluation.knowledge import PARAPHRASES, split_by_knowledge
from seat_interp.evaluation.score import ask, rates
from seat_interp.facts import (
    Fact,
    FactSets,
    Names,
    perturb,
    read_countries,
    read_factual,
    read_pistol,
    read_relations,
    read_tofu,
    read_unverifiable,
)
from seat_interp.models.hardware import bfloat16_is_fast
from seat_interp.models.open import LanguageModel, open_model, save_model
from seat_interp.training.align import align_abstention
from seat_interp.training.config import TrainConfig

TARGET_EDGES = ("A_B", "A_C", "A_m", "A_n")
NEIGHBOUR_EDGES = ("A_C2", "B_D", "A_n2", "B_p")
RELATIONS = (
    "factual/country_currency", "factual/country_largest_city", "factual/food_from_country", "factual/city_in_country",
    "factual/landmark_in_country", "factual/product_by_company", "factual/company_hq",
    "commonsense/fruit_inside_color", "commonsense/fruit_outside_color", "commonsense/object_superclass",
    "commonsense/substance_phase", "commonsense/task_done_by_tool", "linguistic/adj_comparative",
    "linguistic/adj_superlative", "linguistic/verb_past_tense",
)  # fmt: skip
COMMON = TrainConfig(batch_size=16, mixed_precision=bfloat16_is_fast(), checkpoint_every=20)
PLAIN, *OTHERS = PARAPHRASES
SELECTING = (
    *OTHERS,
    "Tell me, please. {q}",
    "{q} Be brief.",
    "Can you help me with this? {q}",
    "I would like to know the following: {q}",
)
"""A fact is known if it is answered right in all eight: SLiCK's HighlyKnown in spirit (2405.05904). Probes ask in the
plain wording, which does not select: chosen by it, they would start at 1.00 whatever the model knows."""
NEW_WORDING = "I have a question for you. {q}"
"""Neither chosen by nor aligned in."""
ALIGN = replace(COMMON, steps=80, learning_rate=2e-5)
UNKNOWN_SHARE = 0.35
CUTS = (0.35, 0.6)
"""Known facts: aligned on, fitted on, probed."""


@dataclass(frozen=True)
class Aligned:
    """What every study of the real model starts from.

    Attributes:
        lm: the aligned model.
        sets: target facts, probes, and what the direction is fitted on.
        validation: what settings are chosen by, as known and unknown: known facts that alignment answered, and twins of
            known questions about other invented names. None of their subjects is in a probe.
        alignment: rates before and after alignment, and how many facts it knows.
    """

    lm: LanguageModel
    sets: FactSets
    validation: FactSets
    alignment: dict[str, Any]


def candidates(data: Path) -> list[Fact]:
    """Real questions that a small model may know: capitals, general knowledge, relations, common sense."""
    facts = read_countries(data / "countries/countries.json") + read_factual(data / "lunar/factual_data.json")
    for name in RELATIONS:
        asked = [f for f in read_relations(data / f"relations/{name}.json") if f.question.endswith("?")]
        facts += random.Random(name).sample(asked, min(150, len(asked)))
    facts = list({fact.question: fact for fact in facts}.values())
    # LUNAR's real facts name no subject: one that asks about a subject of the others belongs to that subject.
    subjects = sorted({fact.subject for fact in facts if fact.subject[:1].isupper()}, key=len, reverse=True)
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, subjects))})(?!\w)")
    return [f if f.subject or not (m := named.search(f.question)) else replace(f, group=m[0]) for f in facts]


def kept(path: Path, make: Callable[[], tuple[list[Fact], list[Fact]]]) -> tuple[list[Fact], list[Fact]]:
    """Two lists of facts, made once and then read back."""
    once(path, lambda path: write_jsonl(path, [{"part": i, **f.to_json()} for i, fs in enumerate(make()) for f in fs]))
    parts: tuple[list[Fact], list[Fact]] = ([], [])
    for row in read_jsonl(path):
        parts[row.pop("part")].append(Fact.from_json(row))
    return parts


def shares(facts: list[Fact], cuts: tuple[float, ...], seed: int) -> list[list[Fact]]:
    """The facts shuffled and cut near these shares; what belongs to one subject stays together."""
    units = sorted({fact.belongs_to for fact in facts})
    place = {unit: i for i, unit in enumerate(random.Random(seed).sample(units, len(units)))}
    order = sorted(facts, key=lambda fact: place[fact.belongs_to])
    parts: list[list[Fact]] = [[] for _ in (*cuts, 1)]
    ends = [cut * len(order) for cut in cuts]
    for _, members in itertools.groupby(enumerate(order), key=lambda item: item[1].belongs_to):
        first, *_ = together = list(members)
        parts[bisect.bisect_right(ends, first[0])] += [fact for _, fact in together]
    return parts


def invented(facts: list[Fact], count: int, names: Names, seed: int) -> list[Fact]:
    """Ordinary questions about names that nobody has: perturbed copies of the candidates."""
    generator = names.generator(seed)
    asked = [fact for fact in facts if fact.spans]
    copies = [perturb(fact, generator) for fact in random.Random(seed).choices(asked, k=count)]
    return [replace(copy, answer="", object="", aliases=(), group=copy.subject) for copy in copies]


def about(fact: Fact) -> set[str]:
    """What a known fact is about, named or not: the model must not practise it on questions of its own."""
    named = re.findall(r"(?<=\s)[A-Z][\w'-]*(?: [A-Z][\w'-]*)*", fact.question)
    return {name for name in (fact.subject, fact.group, *named) if name}


def share_out(
    data: Path, known: list[Fact], doubtful: list[Fact], pool: list[Fact]
) -> tuple[FactSets, FactSets, list[Fact], list[Fact]]:
    """The sets of the study, what validates, what alignment refuses and what it answers.

    No subject is in two of them, but for known facts that alignment answers and that validate.
    """
    pistol = data / "lunar/pistol_sample1.json"
    target, neighbour = read_pistol(pistol, TARGET_EDGES), read_pistol(pistol, NEIGHBOUR_EDGES)
    # What it knows in every wording is probed; the doubtful rest only helps to teach when not to abstain.
    align_known, fit_known, probe_known = shares(known, CUTS, seed=0)
    held_out = {fact.belongs_to for fact in fit_known + probe_known}
    doubtful = [fact for fact in doubtful if fact.belongs_to not in held_out]
    fit_known = [fact for fact in fit_known if fact.spans]  # as fit_unknown, so that a name is no sign of ignorance
    align_unverifiable, probe_unverifiable = shares(read_unverifiable(data / "lunar/unverified.json"), (0.75,), seed=0)
    authors = read_tofu(data / "tofu/full.json")
    align_authors = [fact for fact in authors[:3600:30] if fact.spans]
    probe_authors = [fact for fact in authors[3600::5] if fact.spans][:40]
    everybody = FactSets(target=pool, neighbour=target + neighbour, unknown=authors).names()
    # Invented twins of the very questions that it is to go on answering: only the name tells them apart.
    align_invented = invented(align_known + doubtful, 300, everybody, seed=1)
    taken = everybody.avoiding(entity for fact in align_invented for entity in fact.entities)
    fit_unknown = invented(known, 80, taken, seed=2)
    taken = taken.avoiding(entity for fact in fit_unknown for entity in fact.entities)
    sets = FactSets(
        target=target,
        known=probe_known,
        unknown=invented(known, 50, taken, seed=3),
        neighbour=[replace(fact, answer="", object="") for fact in neighbour[::2]],
        cross_domain=[replace(fact, answer="", object="") for fact in probe_authors],
        unverifiable=probe_unverifiable,
        fit_known=fit_known,
        fit_unknown=fit_unknown,
        reserved=everybody.avoid | {name for fact in probe_known for name in about(fact)},
    )
    taken = taken.avoiding(entity for fact in sets.unknown for entity in fact.entities)
    validation = FactSets(known=align_known, unknown=invented(known, 50, taken, seed=4))
    refused = align_invented + align_unverifiable + align_authors
    random.Random(0).shuffle(refused)
    return sets, validation, refused, align_known + doubtful


def measure(lm: LanguageModel, sets: dict[str, list[Fact]]) -> dict[str, dict[str, float]]:
    """Rates of each set."""
    found = {}
    for name, each in ask(lm, sets).items():
        got = rates(each)
        found[name] = {"n": got.n, "abstain": got.abstain, "entity_naming": got.entity_naming, "correct": got.correct}
        print(f"  {name:14s} n {got.n:3d}  abstain {got.abstain:.2f}  correct {got.correct:.2f}")
    return found


def raw_model() -> LanguageModel:
    """SmolLM2 as it comes, without its default system prompt, which costs a third of every prompt.

    LUNAR's templates have none either.
    """
    return open_model("smollm2-135m-instruct", system="")


def what_it_knows(raw: LanguageModel, pool: list[Fact], work: Path) -> tuple[list[Fact], list[Fact]]:
    """Candidates that the model answers right in eight paraphrases, and those that it does in two of them alone."""
    print(f"Asking what the model knows: {len(pool)} questions")
    fairly, _ = kept(work / "fairly.jsonl", lambda: split_by_knowledge(raw, pool, paraphrases=SELECTING[:2]))
    known, doubtful = kept(work / "known.jsonl", lambda: split_by_knowledge(raw, fairly, paraphrases=SELECTING[2:]))
    print(f"It knows {len(fairly)} of {len(pool)} in two paraphrases, {len(known)} in eight")
    return known, doubtful


def prepare(data: Path, work: Path) -> Aligned:
    """All stages up to the aligned model; finished ones are read back.

    Args:
        data: folder with lunar/, tofu/, countries/, relations/; analyses/README.md says where they come from.
        work: what is kept.

    Raises:
        SeatError: the folder was made with other settings, or the data are not there.
    """
    align = {
        "relations": RELATIONS,
        "paraphrases": SELECTING,
        "align": asdict(ALIGN),
        "share": UNKNOWN_SHARE,
        "cuts": CUTS,
    }
    claim(work, align)
    raw, pool = raw_model(), candidates(data)
    known, doubtful = what_it_knows(raw, pool, work)
    sets, validation, refused, answered = share_out(data, known, doubtful, pool)
    probes = {"known": sets.known, **sets.abstention_sets()}

    def measured(title: str, *models: LanguageModel, facts: dict[str, list[Fact]]) -> list[dict[str, Any]]:
        print(title)
        return [measure(lm, facts) for lm in models]

    def make_aligned(path: Path) -> None:
        checkpoint = work / "align.safetensors"
        tuned = align_abstention(
            raw,
            unknown=refused,
            known=answered,
            paraphrases=(PLAIN, *SELECTING),
            unknown_share=UNKNOWN_SHARE,
            config=ALIGN,
            checkpoint=checkpoint,
        )
        save_model(tuned.model, path)
        checkpoint.unlink()

    def make_new_wording(path: Path) -> None:
        facts = {"known": [replace(f, question=NEW_WORDING.format(q=f.question), spans=()) for f in sets.known]}
        before, after = measured("Known facts in a wording that nothing was chosen by", raw, aligned, facts=facts)
        write_json(path, {"before": before["known"], "after": after["known"]})

    once(work / "before.json", lambda path: write_json(path, *measured("Before alignment", raw, facts=probes)))
    once(work / "aligned", make_aligned)
    aligned = open_model(work / "aligned", system="")
    once(work / "after.json", lambda path: write_json(path, *measured("After alignment", aligned, facts=probes)))
    once(work / "new_wording.json", make_new_wording)
    alignment = {"before": read_json(work / "before.json"), "after": read_json(work / "after.json")}
    fairly = len(known) + len(doubtful)
    asked = {"asked": len(pool), "known_in_two_wordings": fairly, "known_in_eight": len(known)}
    alignment |= asked | {"known_in_a_new_wording": read_json(work / "new_wording.json")}
    return Aligned(aligned, sets, validation, alignment)
