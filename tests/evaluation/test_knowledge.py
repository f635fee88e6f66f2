"""What counts as known: right in every wording, in a whole first sentence, and not given away by the question."""

import pytest

import seat_interp.evaluation.knowledge as module
from seat_interp.core.errors import SeatError
from seat_interp.evaluation.knowledge import _first_sentence, split_by_knowledge
from seat_interp.facts import Fact

REPLIES = {
    "France": ["The capital of France is Paris. It lies on the Seine.", "Paris."],
    "Spain": ["Madrid is the capital.", "I think it is Barcelona."],
    "Peru": ["It is Quito.", "Lima."],
    "Italy": ["The capital of Italy, a country in the south of", "Rome."],
    "Chile": ["Chile is long and thin. Its capital is Santiago.", "Santiago."],
}


@pytest.fixture
def asked(monkeypatch):
    seen = []

    def generate(lm, questions, **_):
        seen.append(list(questions))
        number = int(questions[0].startswith("Please"))
        return [REPLIES[question.split("of ")[1].rstrip("?")][number] for question in questions]

    monkeypatch.setattr(module, "generate", generate)
    return seen


def test_known_is_right_in_every_wording(asked, llama):
    capitals = {"France": "Paris", "Spain": "Madrid", "Peru": "Lima", "Italy": "Rome", "Chile": "Santiago"}
    facts = [Fact(f"What is the capital of {c}?", f"{c}: {capital}", object=capital) for c, capital in capitals.items()]
    known, unknown = split_by_knowledge(llama, facts, paraphrases=("{q}", "Please: {q}"))
    assert [fact.object for fact in known] == ["Paris"]
    assert known[0].answer == "The capital of France is Paris."
    assert [fact.object for fact in unknown] == ["Madrid", "Lima", "Rome", "Santiago"]
    assert len(asked[0]) == 5
    assert len(asked[1]) == 2  # only what was right is asked again


def test_a_question_that_holds_its_answer_is_not_asked(asked, llama):
    echo = Fact("What is the capital of Singapore?", "Singapore.", object="Singapore")
    assert split_by_knowledge(llama, [echo]) == ([], [echo])
    assert asked == []


def test_facts_without_answers_are_refused(llama):
    with pytest.raises(SeatError, match="has no answer"):
        split_by_knowledge(llama, [Fact("Who?")])


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Paris. It is big.", "Paris."),
        ("J. R. R. Tolkien wrote it. In 1937.", "J. R. R. Tolkien wrote it."),
        ("Dr. Ross did! Or not.", "Dr. Ross did!"),
        ("It costs 3.50 dollars. Cheap.", "It costs 3.50 dollars."),
        ("No end here\nNext line.", "No end here"),
        ("", ""),
    ],
)
def test_first_sentence(text, first):
    assert _first_sentence(text) == first


def test_a_wording_needs_a_place_for_the_question(llama):
    with pytest.raises(SeatError, match="has no place for the question"):
        split_by_knowledge(llama, [Fact("Where?", "In Riga.", object="Riga")], paraphrases=("Please answer.",))
