"""Replies and what they are: abstention, grounding, correctness, recall, and rates with intervals."""

from seat_interp.evaluation.abstention import is_abstention, names_the_entity, stated
from seat_interp.evaluation.score import Label, Rates, Record, label, rates, records, rouge1_recall

__all__ = [
    "Label",
    "Rates",
    "Record",
    "is_abstention",
    "label",
    "names_the_entity",
    "rates",
    "records",
    "rouge1_recall",
    "stated",
]
