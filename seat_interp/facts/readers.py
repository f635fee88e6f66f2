"""Facts from any source: a file or folder of a known format, our own JSON lines, a data set of the HF hub."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seat_interp.core.errors import SeatError, require_package, see
from seat_interp.facts._lunar import read_factual, read_unverifiable
from seat_interp.facts._pistol import names_two_parties, read_pistol
from seat_interp.facts._real_world import TEMPLATES_FILE, read_countries, read_entityquestions, read_relations
from seat_interp.facts._rows import columns, load_rows
from seat_interp.facts._tofu import looks_like_tofu, read_tofu
from seat_interp.facts.names import infer_type
from seat_interp.facts.records import Fact, spans_of

_ACCEPTED = (
    "facts as JSON lines (question, and optionally answer, subject, ...), PISTOL or LUNAR facts (question, "
    "answer, edge), TOFU (question, answer in blocks of 20), EntityQuestions (question, answers), LUNAR "
    "unverifiable questions (instruction), countries (name, capital), relations (prompt_templates, samples)"
)


def read_facts(source: str | Path) -> list[Fact]:
    """Read the facts of a file, or of all .json and .jsonl files in a folder, in a format recognised by structure.

    A folder must hold files of one format (the dev folder of EntityQuestions, a folder of relations); its sub-folders
    are not entered, since they tend to be splits that must not be mixed.

    Args:
        source: Path of the file or folder.

    Returns:
        The facts, in the order of the files.

    Raises:
        SeatError: There is nothing at the path, the set is empty, or the format is not known.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("facts.jsonl").write_text('{"question": "Where is Oslo?", "subject": "Oslo"}')
        >>> si.read_facts("facts.jsonl")[0].spans
        (Span(start=9, end=13, type='place'),)
    """
    path = Path(source)
    if not path.exists():
        raise SeatError(f"{path} does not exist. Check the path; a data set of the HF hub is written hf:NAME.")
    if not path.is_dir():
        return _reader_of(path)(path)
    files = sorted(
        file
        for file in path.iterdir()
        if file.is_file() and file.suffix in (".json", ".jsonl") and file.name != TEMPLATES_FILE
    )
    if not files:
        folders = ", ".join(sorted(child.name for child in path.iterdir() if child.is_dir()))
        raise SeatError(
            f"{path} holds no .json or .jsonl file. Name a file"
            + (f" or one of its folders ({folders})." if folders else " or a folder with some.")
        )
    readers = {file: _reader_of(file) for file in files}
    if len(set(readers.values())) > 1:
        raise SeatError(f"{path} holds files of several formats ({', '.join(file.name for file in files)}). Name one.")
    return [fact for file, reader in readers.items() for fact in reader(file)]


def read_jsonl(path: str | Path, subject_type: str | None = None) -> list[Fact]:
    """Read facts in this package's own format: one `Fact.to_json` object a line, of which only `question` is needed.

    Where a row has a `subject` but no `spans`, the spans are the subject's occurrences in the question, of
    `subject_type` or else of the type that `infer_type` guesses; where it has `spans` but no `subject`, the subject is
    the first of them.

    Args:
        path: Path of the file.
        subject_type: Type of entity of the subjects; guessed if None.

    Returns:
        The facts.

    Raises:
        SeatError: A row is not a fact; the message has file and row.
    """
    rows = load_rows(path)
    facts = []
    for number, (row, (question,)) in enumerate(zip(rows, columns(path, rows, "question")), 1):
        subject = row.get("subject")
        if subject and isinstance(subject, str) and not row.get("spans"):
            row = {**row, "spans": spans_of(question, [(subject, subject_type or infer_type(subject))])}
        try:
            fact = Fact.from_json(row)
            if fact.spans and not fact.subject:
                fact = Fact.from_json({**row, "subject": fact.entities[0]})
        except SeatError as error:
            raise SeatError(f"{path}, row {number}: {error}") from error
        except TypeError as error:
            raise SeatError(f"{path}, row {number}: a span is [start, end, type].") from error
        facts.append(fact)
    return facts


def _read_slick(path: str | Path) -> list[Fact]:
    """The facts that `seat-interp slick` has asked; `slick_categories` has what came out.

    Raises:
        SeatError: with file and row, for rows that it has not written.
    """
    facts = []
    for number, row in enumerate(load_rows(path), 1):
        try:
            facts.append(Fact.from_json({name: value for name, value in row.items() if name != "slick"}))
        except (SeatError, TypeError) as error:
            raise SeatError(f"{path}, row {number}, is not as `seat-interp slick` writes it: {error}") from error
    return facts


def slick_categories(path: str | Path) -> list[str] | None:
    """Read the category of every fact in a file of `seat-interp slick`.

    Args:
        path: Path of a file or folder of facts.

    Returns:
        One category for each fact; None for any other file or folder.

    Raises:
        SeatError: A row was not written by `slick`; the message has file and row.
    """
    if Path(path).is_dir() or _reader_of(Path(path)) is not _read_slick:
        return None
    try:
        return [row["slick"]["category"] for row in load_rows(path)]
    except (KeyError, TypeError) as error:
        raise SeatError(f"{path} has a row without a category: it is not as `seat-interp slick` writes it.") from error


def read_hub(
    dataset_id: str,
    question: str = "question",
    answer: str = "answer",
    subject: str | None = None,
    split: str = "train",
    config: str | None = None,
) -> list[Fact]:
    """Read the facts of a data set of the Hugging Face hub, or of a local folder that `datasets` can load.

    Args:
        dataset_id: Name of the data set, or path of the folder.
        question: Column of the question.
        answer: Column of the answer; of a list the first text is the object, the rest are aliases.
        subject: Column of the subject, whose occurrences in the question become spans (types by `infer_type`); the
            column `subject` if there is one and no other is named.
        split: Split to read.
        config: Name of the configuration, where the data set has several.

    Returns:
        The facts.

    Raises:
        SeatError: `datasets` is not installed, the data set cannot be loaded, or a column is missing.
    """
    datasets = require_package("datasets", "hub", "Reading from the hub")
    try:
        data = datasets.load_dataset(dataset_id, config, split=split)
    except Exception as error:  # whatever the network, the hub, the builder or the parser of the day raises
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise SeatError(f"Data set {dataset_id!r} (split {split!r}) cannot be loaded: {reason}") from error
    subject = subject or ("subject" if "subject" in data.column_names else None)
    wanted = [column for column in (question, answer, subject) if column]
    if missing := [column for column in wanted if column not in data.column_names]:
        raise SeatError(f"Data set {dataset_id!r} has no column {missing[0]!r}; it has {data.column_names}.")
    facts = [_hub_fact(dataset_id, number, row, question, answer, subject) for number, row in enumerate(data, 1)]
    if not facts:
        raise SeatError(f"Data set {dataset_id!r} (split {split!r}) has no rows. Choose another split.")
    return facts


def _hub_fact(
    dataset_id: str, number: int, row: Mapping[str, Any], question: str, answer: str, subject: str | None
) -> Fact:
    answers = row[answer] if isinstance(row[answer], list) else [row[answer]]
    about = row[subject] if subject else ""
    if not answers or not all(isinstance(text, str) for text in (row[question], about, *answers)):
        raise SeatError(f"Data set {dataset_id!r}, row {number}: question, answer and subject must be texts.")
    return Fact(
        question=row[question],
        answer=answers[0],
        subject=about,
        object=answers[0].removesuffix("."),
        aliases=tuple(answers[1:]),
        spans=spans_of(row[question], [(about, infer_type(about))]),
    )


def _reader_of(path: Path) -> Callable[[Path], list[Fact]]:
    """The reader for a file, by the fields of its rows.

    Raises:
        SeatError: missing, empty or not JSON, or fields that no reader knows.
    """
    rows = load_rows(path)
    keys = set(rows[0])
    if {"prompt_templates", "samples"} <= keys:
        return read_relations
    if {"name", "capital"} <= keys:
        return read_countries
    if "instruction" in keys:
        return read_unverifiable
    if {"question", "answers"} <= keys:
        return read_entityquestions
    if {"question", "answer", "edge"} <= keys:
        contracts = any(names_two_parties(str(row.get("question"))) for row in rows)
        return read_pistol if contracts else read_factual
    if {"question", "answer"} <= keys and looks_like_tofu(rows):
        return read_tofu
    if {"question", "slick"} <= keys:
        return _read_slick
    if "question" in keys:
        return read_jsonl
    raise SeatError(
        f"{path} has rows with {', '.join(sorted(keys)[:9]) or 'no fields'}. Accepted are {_ACCEPTED}. "
        + see("how_to/own_fact_format")
    )
