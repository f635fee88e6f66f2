"""Which names open, and how those that do not are refused."""

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.models.open import open_model


def test_a_path_that_is_not_there_is_no_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("mine/modell", "./modell", str(tmp_path / "modell"), "~/no-such-folder-of-anybody"):
        with pytest.raises(SeatError, match="There is no model folder"):
            open_model(name)
