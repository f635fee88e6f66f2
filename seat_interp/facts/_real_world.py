"""Readers for real facts: EntityQuestions, the countries data set, the relations of Hernandez et al.

The data stay where the user has them; none are shipped with the package.
"""

import json
import re
from pathlib import Path

from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json
from seat_interp.facts._rows import columns, load_rows
from seat_interp.facts.names import infer_type
from seat_interp.facts.records import Fact, Span

TEMPLATES_FILE = "relation_query_templates.json"

# The subject's type by EntityQuestions relation: ours, by what most subjects of the relation are. P127 (who
# owns it) also asks about buildings and ships, P136 and P264 about bands and records.
_QUESTION_TYPES = {
    **dict.fromkeys(("P19", "P20", "P26", "P40", "P69", "P106", "P136", "P264", "P413", "P800"), "person"),
    **dict.fromkeys(("P17", "P30", "P36", "P131", "P276"), "place"),
    **dict.fromkeys(("P50", "P170", "P175", "P176", "P407", "P495"), "title"),
    **dict.fromkeys(("P112", "P127", "P159", "P740"), "firm"),
}

# The subject's type by the domain that a relations file declares; other domains have no named things.
_DOMAIN_TYPES = {
    "person": "person",
    "superhero": "person",
    "company": "firm",
    "city": "city",
    "country": "country",
    "landmark": "place",
    "product": "title",
}


def read_entityquestions(path: str | Path, templates: str | Path | None = None) -> list[Fact]:
    """Read EntityQuestions (arXiv 2109.08535): a file such as P36.dev.json with rows {question, answers}.

    The relation is in the file name; the subject is what stands for [X] in the relation's template.

    Args:
        path: Path of the file.
        templates: Path of relation_query_templates.json; by default beside the file or one folder up, as in the data
            set.

    Returns:
        The facts.

    Raises:
        SeatError: There is no relation in the file name, no template for it, or a question does not follow it.
    """
    path = Path(path)
    code = re.match(r"P\d+", path.name)
    if code is None:
        raise SeatError(f"{path}: the name does not begin with a relation, as in P36.dev.json. Rename the file.")
    relation = code[0]
    places = [folder / TEMPLATES_FILE for folder in path.resolve().parents[:2]]
    source = Path(templates) if templates else next((place for place in places if place.is_file()), None)
    if source is None:
        raise SeatError(f"{path}: {TEMPLATES_FILE} is neither beside it nor one folder up. Name it.")
    table = read_json(source)
    template = str(table.get(relation, "")) if isinstance(table, dict) else ""
    before, mark, after = template.partition("[X]")
    if not mark:
        raise SeatError(f"{source} has no template with [X] for {relation}, the relation of {path.name}.")
    facts = []
    rows = load_rows(path)
    for row, (question,) in zip(rows, columns(path, rows, "question")):
        match = re.fullmatch(f"{re.escape(before)}(.+){re.escape(after)}", question)
        if match is None:
            raise SeatError(f"{path}: {question!r} does not follow the template {template!r} of {relation}.")
        answers = row.get("answers")
        if not isinstance(answers, list) or not answers or not all(isinstance(text, str) for text in answers):
            raise SeatError(f"{path}: 'answers' of {question!r} is {answers!r}, not a list of texts.")
        facts.append(
            Fact(
                question=question,
                answer=answers[0],
                subject=match[1],
                relation=relation,
                object=answers[0],
                aliases=tuple(answers[1:]),
                spans=(Span(*match.span(1), _QUESTION_TYPES.get(relation) or infer_type(match[1])),),
            )
        )
    return facts


def read_countries(path: str | Path) -> list[Fact]:
    """Read capitals from the countries data set (mledoze/countries); countries without a capital are left out.

    Args:
        path: Path of the file.

    Returns:
        The facts.

    Raises:
        SeatError: The file is not of this data set.
    """
    facts = []
    for number, row in enumerate(load_rows(path), 1):
        try:
            country, capitals = row["name"]["common"], list(filter(None, row["capital"]))
        except (KeyError, TypeError) as error:
            raise SeatError(
                f"{path}, row {number}, has no name.common and list of capitals. Give countries.json."
            ) from error
        if capitals:
            question = f"What is the capital of {country}?"
            start = question.rindex(country)
            facts.append(
                Fact(
                    question=question,
                    answer=capitals[0],
                    subject=country,
                    relation="capital",
                    object=capitals[0],
                    aliases=tuple(capitals[1:]),
                    spans=(Span(start, start + len(country), "country"),),
                )
            )
    return facts


def read_relations(path: str | Path) -> list[Fact]:
    """Read one relation of Hernandez et al. (arXiv 2308.09124): {name, prompt_templates, samples, ...}.

    The question is the first template that asks one, up to its question mark; without any, the first prompt template as
    it is, a sentence to be completed. Only subjects of domains with names of their own (persons, firms, countries, ...)
    have a span: a comparative of an invented adjective would be another question altogether. Several objects of one
    subject make one fact with aliases.

    Args:
        path: Path of the file.

    Returns:
        The facts.

    Raises:
        SeatError: The file has other fields.
    """
    (row, *more) = load_rows(path)
    try:
        templates = [_decoded(text) for text in (*row["prompt_templates_zs"], *row["prompt_templates"])]
        asking = next((text for text in templates if "?" in text), _decoded(row["prompt_templates"][0]))
        objects: dict[str, dict[str, None]] = {}
        for sample in row["samples"]:
            objects.setdefault(_decoded(sample["subject"]), {})[_decoded(sample["object"])] = None
        relation = re.sub(r"\W+", "_", row["name"].lower())
        type_ = _DOMAIN_TYPES.get(row["properties"]["domain_name"])
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise SeatError(
            f"{path} is not a relations file: {error!r} in its templates, samples or properties."
        ) from error
    template = asking[: asking.find("?") + 1] or asking
    if more or "{}" not in template:
        raise SeatError(f"{path} is not a relations file: one object, with {{}} in each template, is expected.")
    start = template.index("{}")
    return [
        Fact(
            question=template.replace("{}", subject, 1),
            answer=answers[0],
            subject=subject,
            relation=relation,
            object=answers[0],
            aliases=answers[1:],
            spans=(Span(start, start + len(subject), type_),) if type_ else (),
        )
        for subject, answers in ((subject, tuple(found)) for subject, found in objects.items())
    ]


def _decoded(text: str) -> str:
    """Some strings of the data set carry escapes that were escaped once more ("Bras\\u00edlia")."""
    return re.sub(r"(?:\\u[0-9a-fA-F]{4})+", lambda match: json.loads(f'"{match[0]}"'), text)
