"""Arms on SmolLM2: rows of one base in one file, and the variant of SEAT."""

import json

import pytest

from analyses.common.smollm2_arms import SETTINGS
from analyses.smollm2.arms import require_same_base, variants
from seat_interp.core.errors import SeatError


def test_rows_of_another_base_are_not_written_over(tmp_path):
    saved = tmp_path / "smollm2_arms_tofu.json"
    require_same_base(saved, "abc")
    saved.write_text(json.dumps({"config": {"model": {"weights": "abc"}}}))
    require_same_base(saved, "abc")
    with pytest.raises(SeatError, match=r"weights abc; this one has def\. Give it a name of its own, as --base mine"):
        require_same_base(saved, "def")


def test_the_variant_differs_in_what_its_copies_end_in_alone():
    made = variants()
    seat, variant = (made[name](SETTINGS, 0).to_json() for name in ("seat", "seat, KL on base continuation"))
    ends = [each["objective"]["ep_kl"].pop("continuation") for each in (seat, variant)]
    assert ends == ["gold", "base"]
    assert seat == variant
