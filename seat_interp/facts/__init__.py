"""Facts: the record, readers for the data sets, fictitious names, entity perturbation."""

from seat_interp.facts._lunar import read_factual, read_unverifiable
from seat_interp.facts._pistol import read_pistol
from seat_interp.facts._real_world import read_countries, read_entityquestions, read_relations
from seat_interp.facts._tofu import read_tofu
from seat_interp.facts.names import NameGenerator, Names, infer_type
from seat_interp.facts.perturbation import ep_prompts, perturb, perturb_all, whole_names
from seat_interp.facts.readers import read_facts, read_hub, read_jsonl
from seat_interp.facts.records import Fact, FactSets, Span, spans_of

__all__ = [
    "Fact",
    "FactSets",
    "NameGenerator",
    "Names",
    "Span",
    "ep_prompts",
    "infer_type",
    "perturb",
    "perturb_all",
    "read_countries",
    "read_entityquestions",
    "read_facts",
    "read_factual",
    "read_hub",
    "read_jsonl",
    "read_pistol",
    "read_relations",
    "read_tofu",
    "read_unverifiable",
    "spans_of",
    "whole_names",
]
