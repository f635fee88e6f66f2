"""Settings from JSON: what is left out stays, and what is wrong is named with its path."""

import pytest

from seat_interp.core.config import override
from seat_interp.core.errors import SeatError
from seat_interp.organism.study import ORGANISM
from seat_interp.studies.study import StudyConfig
from seat_interp.training.objectives import Cover


def test_only_what_is_said_changes():
    value = {"seeds": [1, 2], "settings": {"kl": {"cover": "from_entity", "weight": 2}, "dense": {"clip": None}}}
    found = override(ORGANISM, value)
    assert found.seeds == (1, 2)
    assert found.settings.kl.cover is Cover.FROM_ENTITY
    assert found.settings.kl.weight == 2.0
    assert found.settings.dense.clip is None
    assert found.settings.dense.steps == ORGANISM.settings.dense.steps
    assert found.settings.masked == ORGANISM.settings.masked
    assert override(StudyConfig(), {}) == StudyConfig()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"sedes": [1]}, "seeds"),
        ({"settings": {"dense": {"steps": 1.5}}}, r"settings\.dense\.steps is 1\.5"),
        ({"settings": {"dense": {"betas": [0.9]}}}, "must have 2 values"),
        ({"settings": {"kl": {"cover": "all"}}}, "reply, from_entity"),
        ({"arms": ["magic"]}, "choose from full"),
        ({"keep_models": 1}, "must be bool"),
        ({"settings": 3}, "JSON object"),
        ([], "JSON object"),
    ],
)
def test_mistakes_are_named(value, words):
    with pytest.raises(SeatError, match=words):
        override(StudyConfig(), value)
