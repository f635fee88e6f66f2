"""Displacement against closed forms on activations made up for the purpose, and end to end on a tiny model."""

import pytest
import torch
from tiny_models import fact

from seat_interp.capture import AtToken, Capture, Kind, capture, capture_to
from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import IgnoranceDirection, fit_direction
from seat_interp.directions.displacement import cosine_drift, displace, displacement
from seat_interp.directions.nulls import null_directions
from seat_interp.results.tables import displacement_table

LAYERS, WIDTH = 2, 40


@pytest.fixture
def made_up():
    """Known at the origin, unknown at +4 along axis 0, unit noise elsewhere; one direction a layer."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(120, LAYERS, WIDTH, generator=generator, dtype=torch.float64)
    noise[..., 0] *= 0.1
    unknown, known = noise[:60].clone(), noise[60:].clone()
    unknown[..., 0] += 4
    vectors = torch.zeros(LAYERS, WIDTH, dtype=torch.float64)
    vectors[:, 0] = 1
    separation = torch.full((LAYERS,), 4.0, dtype=torch.float64)
    direction = IgnoranceDirection(vectors, separation, layer=1)
    return {"unknown": unknown, "known": known}, direction


def shifted(base, along=0.0, across=0.0):
    tuned = {name: values.clone() for name, values in base.items()}
    tuned["unknown"][..., 0] += along
    tuned["unknown"][..., 1] += across
    return tuned


def test_a_planted_shift_is_read_off_in_gaps(made_up):
    base, direction = made_up
    moved = displace(base=base, tuned=shifted(base, along=-4, across=3), direction=direction)
    unknown, known = moved.sets["unknown"], moved.sets["known"]
    torch.testing.assert_close(unknown.along, torch.full((60, 2), -1.0, dtype=torch.float64))
    torch.testing.assert_close(unknown.orthogonal, torch.full((60, 2), 0.75, dtype=torch.float64))
    torch.testing.assert_close(known.along, torch.zeros(60, 2, dtype=torch.float64))
    assert moved.summary()["unknown"]["mean"] == pytest.approx(-1)
    assert displacement_table(moved.summary()).rows[0][:2] == ("unknown", "-1.00 [-1.00, -1.00]")
    # All unknown prompts now sit where known ones are: the base's probe is blind, the fitted one has turned.
    assert moved.base_auroc[1] == 1.0
    assert moved.linear_probe_auroc[1] == pytest.approx(0.5, abs=0.1)
    assert moved.angle()[1] > 45


def test_drift_is_nought_along_a_ray_one_at_a_right_angle_and_two_behind():
    before = torch.tensor([[[3.0, 0.0]], [[3.0, 0.0]], [[3.0, 0.0]]])
    after = torch.tensor([[[1.0, 0.0]], [[0.0, 2.0]], [[-1.0, 0.0]]])
    assert cosine_drift(before, after).flatten().tolist() == pytest.approx([0, 1, 2])


def test_nothing_moved_is_zero_everywhere(made_up):
    base, direction = made_up
    moved = displace(base=base, tuned=base, direction=direction)
    summary = moved.summary()["unknown"]
    assert summary["mean"] == summary["orthogonal"] == 0
    assert summary["interval"] == [0, 0]
    assert summary["null"] == {kind: [0, 0] for kind in ("random", "shuffled", "pca")}
    assert moved.linear_probe_auroc == moved.base_auroc


def test_random_directions_see_a_shift_as_the_sphere_says(made_up):
    """Along a random unit vector a shift s projects with variance s^2 / width: the band is about 1.96 of it."""
    base, direction = made_up
    nulls = null_directions(base["unknown"], base["known"], draws=4000)
    moved = displace(base=base, tuned=shifted(base, along=-4), direction=direction, nulls=nulls)
    low, high = moved.sets["unknown"].band("random", 0)
    assert high == pytest.approx(1.96 / WIDTH**0.5, rel=0.08)
    assert low == pytest.approx(-1.96 / WIDTH**0.5, rel=0.08)
    assert moved.sets["unknown"].mean[0] < low


def test_nulls_do_not_contain_the_direction_itself(made_up):
    base, direction = made_up
    nulls = null_directions(base["unknown"], base["known"], draws=300, components=5)
    assert nulls.pca.shape == (10, LAYERS, WIDTH)
    for _, vectors in nulls:
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(vectors.shape[:2], dtype=torch.float64))
    # Within the classes axis 0 hardly varies, so no component follows it though it separates the classes.
    assert (nulls.pca @ direction.vectors[0]).abs().max() < 0.2
    # Nor does a split of the centred classes, however far apart the classes are.
    far = {"unknown": base["unknown"] + 100 * direction.vectors, "known": base["known"]}
    shuffled = null_directions(far["unknown"], far["known"], draws=300).shuffled
    assert (shuffled @ direction.vectors[0]).abs().max() < 0.2


def test_the_interval_is_that_of_the_mean(made_up):
    base, direction = made_up
    tuned = shifted(base)
    generator = torch.Generator().manual_seed(1)
    tuned["unknown"][..., 0] += -2 + torch.randn(60, LAYERS, generator=generator, dtype=torch.float64)
    unknown = displace(base=base, tuned=tuned, direction=direction).sets["unknown"]
    error = unknown.along[:, 0].std() / 60**0.5
    assert unknown.low[0] < unknown.mean[0] < unknown.high[0]
    assert (unknown.high - unknown.low)[0] == pytest.approx(2 * 1.96 * float(error), rel=0.15)


def test_prompts_of_one_subject_count_as_one_draw(made_up):
    """Ten subjects with six equal prompts each: the interval is that of ten values, not of sixty."""
    base, direction = made_up
    tuned = shifted(base)
    each = torch.randn(10, LAYERS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    tuned["unknown"][..., 0] += each.repeat_interleave(6, 0)
    asked = {name: [fact(f"Subject {i // 6}") for i in range(60)] for name in base}
    together, apart = (
        displace(base=base, tuned=tuned, direction=direction, sets=facts).sets["unknown"] for facts in (asked, None)
    )
    wide, narrow = ((found.high - found.low)[0] for found in (together, apart))
    assert wide / narrow == pytest.approx(6**0.5, rel=0.15)
    assert together.low[0] < together.mean[0] < together.high[0]
    one = displace(base=base, tuned=tuned, direction=direction, sets=dict.fromkeys(base, [fact("All")] * 60)).sets[
        "unknown"
    ]
    torch.testing.assert_close(one.low, apart.low)


def test_seeds_decide_and_sides_must_match(made_up):
    base, direction = made_up
    tuned = shifted(base, along=-1, across=1)
    one, same, other = (displace(base=base, tuned=tuned, direction=direction, seed=s).summary() for s in (0, 0, 1))
    assert one == same != other
    with pytest.raises(SeatError, match="same prompts"):
        displace(base=base, tuned={**tuned, "unknown": tuned["unknown"][:5]}, direction=direction)
    with pytest.raises(SeatError, match="has 1 facts but 60 prompts"):
        displace(base=base, tuned=tuned, direction=direction, sets={name: [fact("A B")] for name in base})


def test_models_are_captured_at_the_directions_token(llama, models_by_family, sets):
    direction = fit_direction(llama, unknown=sets.unknown, known=sets.known, positions=(-2,))
    tuned = llama.copy()
    with torch.no_grad():
        tuned.model.get_parameter("model.layers.1.mlp.down_proj.weight").mul_(1.5)
    moved = displacement(
        base=llama, tuned=tuned, sets={"unknown": sets.unknown, "known": sets.known}, direction=direction
    )
    questions = [f.question for f in sets.unknown]
    before, after = (capture(lm, questions, reduce=AtToken(-2)).values.double() for lm in (llama, tuned))
    expected = torch.einsum("plw,lw->pl", after - before, direction.vectors) / direction.separation
    torch.testing.assert_close(moved.sets["unknown"].along, expected, rtol=1e-4, atol=1e-5)
    assert moved.sets["unknown"].along[:, 0].abs().max() < 1e-5  # below the change nothing moves
    assert moved.sets["unknown"].along[:, 1].abs().mean() > 1e-3
    assert moved.same_weights
    with pytest.raises(SeatError, match="gpt2 model"):
        displacement(
            base=llama,
            tuned=models_by_family("gpt2"),
            sets={"unknown": sets.unknown, "known": sets.known},
            direction=direction,
        )
    with pytest.raises(SeatError, match="no set 'known'"):
        displacement(base=llama, tuned=tuned, sets={"unknown": [fact("A B")]}, direction=direction)


def test_captures_from_files_give_what_models_give(llama, sets, tmp_path):
    direction = fit_direction(llama, unknown=sets.unknown, known=sets.known, positions=(-2,))
    tuned, reduce, sets = llama.copy(), AtToken(-2), {"unknown": sets.unknown, "known": sets.known}
    with torch.no_grad():
        tuned.model.get_parameter("model.layers.1.mlp.down_proj.weight").mul_(1.5)
    asked = {name: [fact.question for fact in facts] for name, facts in sets.items()}
    before = {
        name: Capture.load(capture(llama, some, reduce=reduce).save(tmp_path / f"{name}.safetensors"))
        for name, some in asked.items()
    }
    after = {
        name: capture_to(tuned, some, tmp_path / name, shard=3, reduce=reduce, progress=False).load()
        for name, some in asked.items()
    }
    found, expected = (
        displace(base=before, tuned=after, direction=direction, sets=sets),
        displacement(base=llama, tuned=tuned, sets=sets, direction=direction),
    )
    for name in sets:
        for part in ("along", "low"):  # other batches round otherwise
            mine, theirs = (getattr(each.sets[name], part) for each in (found, expected))
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_captures_that_do_not_fit_the_direction_are_refused(llama, models_by_family, sets):
    direction = fit_direction(llama, unknown=sets.unknown, known=sets.known)

    def made(lm, swap=False, **how):
        order = (sets.known, sets.unknown) if swap else (sets.unknown, sets.known)
        return {
            name: capture(lm, [fact.question for fact in facts], **how)
            for name, facts in zip(("unknown", "known"), order)
        }

    right = made(llama)
    assert displace(base=right, tuned=right, direction=direction).sets["unknown"].mean.abs().max() == 0
    for wrong, said in (
        (made(models_by_family("gpt2")), "has family gpt2, but the direction was fitted with llama"),
        (made(llama, reduce=AtToken(-2)), r"has reduce AtToken\(position=-2\), but .*AtToken\(position=-1\)"),
        (made(llama, layers=[0]), r"has captured layers \[0\], but"),
        (made(llama, kind=Kind.NEURONS), "has kind neurons, but"),
        (made(llama, swap=True), "captures of 'known' are of other prompts after than before"),
    ):
        with pytest.raises(SeatError, match=said):
            displace(base=right, tuned=wrong, direction=direction)
