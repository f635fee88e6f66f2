import itertools

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from rows import row, summary

from seat_interp import plot
from seat_interp.attribution import Fidelity
from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.directions.displacement import Displacement, SetDisplacement
from seat_interp.directions.plane import principal_plane
from seat_interp.directions.steering import SteeringCheck
from seat_interp.evaluation.intervals import interval
from seat_interp.masks.mask import Mask
from seat_interp.models.axes import TrainableAxis
from seat_interp.plot.style import arm_colour, arm_colours, to_svg
from seat_interp.studies.aggregate import aggregate
from seat_interp.training.trainer import TrainedModel

LAYERS = [row("full", moved=moved)["displacement"]["unknown"] for moved in (-0.1, -0.5, -0.9)]
STEERING = SteeringCheck(0.0, 1.0, 0.9, 0.1, (0.0, 0.05), (1.0, 0.9), layer=2, factor=2.0, prompts=(30, 60))


def direction(layer=2, position=-1, scan=None):
    """Three layers of width 2."""
    vectors, separation = torch.eye(3, 2, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    return IgnoranceDirection(vectors, separation, layer, position, scan=scan or {})


def measured(*means):
    """Of two unknown prompts, with these means after each block."""
    along = torch.tensor(means, dtype=torch.float64) + torch.tensor([[-0.1], [0.1]], dtype=torch.float64)
    null = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None].expand(9, len(means))
    mean = along.mean(0)
    nulls = {"random": null, "shuffled": null, "pca": null}
    moved = SetDisplacement(along, along.abs(), along.abs(), mean, mean - 0.1, mean + 0.1, nulls)
    same = [1.0] * len(means)
    return Displacement({"unknown": moved}, direction(1), same, same, same, same, same_weights=True)


def test_bars_have_the_heights_of_the_rates():
    ax = plot.rates(aggregate(summary(row("base", unknown=0.99), row("full", target=0.97, unknown=0.02, over=0.3))))
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers if hasattr(bars, "patches")]
    assert heights == [[0.0, 0.99, 1.0, 1.0, 0.0], [0.97, 0.02, 1.0, 1.0, 0.3]]


def test_displacement_is_that_of_one_or_of_several_arms():
    one, other = measured(-0.1, -0.5, -0.9), measured(0.0, 0.1, 0.2)
    for ax in (plot.displacement(one), plot.displacement_by_layer({"tuned": one.by_layer()}, 1)):
        (line,) = (container.lines[0] for container in ax.containers)
        np.testing.assert_allclose(line.get_ydata(), [-0.1, -0.5, -0.9])
        assert [at.get_xdata()[0] for at in ax.lines if list(at.get_xdata()) == [1, 1]] == [1]  # its own layer
    ax = plot.displacement({"full": one, "seat": other})
    assert [container.get_label() for container in ax.containers] == ["Full fine-tuning", "SEAT"]
    np.testing.assert_allclose(ax.containers[1].lines[0].get_ydata(), [0.0, 0.1, 0.2], atol=1e-12)
    with pytest.raises(SeatError, match="a set 'neighbour'; there are unknown"):
        plot.displacement(one, "neighbour")


def test_given_axes_are_drawn_on_and_settings_stay():
    before = dict(matplotlib.rcParams)
    top, bottom = Figure().subplots(2)
    assert plot.displacement(measured(0.0, 0.1), ax=top) is top
    assert plot.layer_scan(direction(scan={-1: (0.6, 0.9, 1.0), -2: (0.5, 0.7, 0.8)}), bottom) is bottom
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []


def test_chosen_layer_of_the_scan_is_marked():
    ax = plot.layer_scan(direction(2, -2, {-1: (0.6, 0.9, 0.8), -2: (0.5, 0.7, 0.95)}))
    assert "chosen: layer 2, 0.950" in [text.get_text() for text in ax.texts]
    with pytest.raises(SeatError, match="no layer was scanned"):
        plot.layer_scan(direction() + direction())


def test_steering_bars_show_means_and_each_random_direction():
    ax = plot.steering(STEERING)
    assert [bar.get_height() for bar in ax.patches] == pytest.approx([0.0, 0.9, 0.025, 1.0, 0.1, 0.95])
    circles = [line.get_ydata() for line in ax.lines if line.get_marker() == "o"]
    assert [list(values) for values in circles] == [[0.0, 0.05], [1.0, 0.9]]
    ends = [segment[:, 1] for bars in ax.collections for segment in bars.get_segments()]
    low, high = interval(54, 60)  # Wilson's, of the 60 known prompts; 30 are unknown
    assert any(np.allclose(each, [low, high]) for each in ends)
    assert SteeringCheck.from_json(STEERING.to_json()) == STEERING


def test_pca_axes_are_the_bases_and_shared():
    values = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([9.0, 3, 1, 1, 1, 1])
    push = torch.tensor([5.0, 0, 2, 0, 0, 0])
    panels = plot.activations(principal_plane({"unverifiable": values}, {"full": {"unverifiable": values + push}}))
    before, after = (np.asarray(ax.collections[0].get_offsets()) for ax in panels)
    # The components by another way: right singular vectors of the centred base, up to their signs.
    components = torch.linalg.svd(values - values.mean(0), full_matrices=False).Vh[:2]
    np.testing.assert_allclose(np.abs((after - before).mean(0)), (components @ push).abs(), rtol=1e-4)
    np.testing.assert_allclose(before.mean(0), 0, atol=1e-5)
    assert panels[0].get_xlim() == panels[1].get_xlim()


def test_the_plane_takes_one_layer_of_several():
    values = torch.randn(12, 3, 5, generator=torch.Generator().manual_seed(0))
    found, expected = (
        principal_plane({"unknown": before}, {"full": {"unknown": after}}, layer=layer).points["full"]["unknown"]
        for before, after, layer in ((values, values + 1, 2), (values[:, 2], values[:, 2] + 1, None))
    )
    np.testing.assert_array_equal(found, expected)
    for given, layer in ((values, None), (values[:, 2], 2)):
        with pytest.raises(SeatError, match="Give `layer`"):
            principal_plane({"unknown": given}, {}, layer=layer)


def test_places_of_one_mask_and_of_several():
    axes = {f"model.layers.{layer}.mlp.down_proj.weight": TrainableAxis((4, 8), 1) for layer in range(2)}
    chosen = dict(zip(axes, (torch.tensor([0, 3], dtype=torch.int32), torch.tensor([], dtype=torch.int32))))
    mask = Mask("neuron", chosen, axes)
    (alone,) = plot.places(mask)
    np.testing.assert_allclose(alone.images[0].get_array().filled(), [[0.25], [0.0]])
    assert alone.get_title(loc="left") == "mask (budget 0.125)"
    assert [ax.get_title(loc="left") for ax in plot.places({"a": mask, "b": ~mask})] == [
        "a (budget 0.125)",
        "b (budget 0.875)",
    ]


def test_pca_draws_few_points_and_needs_a_probe():
    many = {"unknown": torch.randn(300, 4, generator=torch.Generator().manual_seed(0))}
    assert len(plot.activations(principal_plane(many, {}), most=50)[0].collections[0].get_offsets()) == 50
    with pytest.raises(SeatError, match="unverifiable or unknown"):
        principal_plane({"known": torch.zeros(3, 4)}, {})


def test_training_curves_have_a_second_panel_only_with_probes(llama):
    log = [{"step": 1, "cross_entropy": 2.0, "gradient": 1.0}, {"step": 2, "cross_entropy": 1.0}]
    unwatched, watched = TrainedModel(llama, log), TrainedModel(llama, log, [{"step": 2, "abstention": 0.5}])
    (losses,) = plot.training(unwatched)
    assert [list(line.get_ydata()) for line in losses.lines] == [[2.0, 1.0]]
    losses, probes = plot.training({"full": unwatched, "seat": watched})
    assert len(losses.lines) == 2
    assert list(probes.lines[0].get_ydata()) == [0.5]


def test_svg_is_byte_stable_and_its_ids_are_prefixed():
    first, second = (to_svg(plot.displacement_by_layer({"full": LAYERS}, 2).figure, "one") for _ in range(2))
    assert first == second
    assert first.startswith("<svg")
    assert 'id="one-' in first
    assert 'href="#one-' in first
    assert "<metadata" not in first


def test_unknown_arms_have_stable_colours():
    assert arm_colour("my_arm") == arm_colour("my_arm")
    assert len({arm_colour(arm) for arm in ("base", "full", "seat", "sparse", "full_kl", "full_ep_kl", "lora")}) == 7


def test_many_arms_have_a_row_each():
    arms = aggregate(summary(row("base", unknown=0.99), *(row(f"arm {i}", target=0.1 * i) for i in range(9))))
    first, *_, last = plot.rates_by_row(arms)
    assert [label.get_text() for label in first.get_yticklabels()][:2] == ["Base", "Arm 0"]
    drawn = [float(line.get_xdata()[0]) for line in first.lines if line.get_marker() == "o"]
    assert drawn == pytest.approx([arm.target_recall.mean for arm in arms])
    assert last.get_title() == "Over-\nabstention"


def test_fidelity_shows_every_neuron_and_every_group():
    found = Fidelity(0.9, 0.5, effects=[1.0, 2.0, 3.0], scores=[1.0, 2.5, 3.0], group_effects=[4.0], group_scores=[5.0])
    assert plot.fidelity(found)[0][0].get_title(loc="left") == "score: 0.90"
    single, grouped = (row[0] for row in plot.fidelity({"loss": found}))
    assert [list(data) for data in single.lines[0].get_data()] == [found.scores, found.effects]
    assert [list(data) for data in grouped.lines[0].get_data()] == [found.group_scores, found.group_effects]
    assert single.get_title(loc="left") == "loss: 0.90"


def test_projections_have_equal_areas_and_other_models_are_dashed():
    ax = plot.projections(
        {"known": torch.zeros(4), "unknown": torch.tensor([1.0, 1.1]), "unknown, tuned": torch.rand(3)}
    )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["known", "unknown", "unknown, tuned"]
    plain, dashed = ax.patches[1], ax.patches[2]
    assert plain.get_edgecolor() == dashed.get_edgecolor()
    assert plain.get_linestyle() != dashed.get_linestyle()


def test_arms_without_a_colour_of_their_own_do_not_share_one_in_a_figure():
    names = ["seat", "seat, interpolated", "my model", "aligned", "third", "fourth"]
    found = arm_colours(names)
    assert found["seat"] == found["seat, interpolated"] == arm_colour("seat")
    assert len({found[name] for name in names[2:]}) == 4
    assert arm_colours(["aligned"])["aligned"] == arm_colour("aligned")
    same = arm_colours(["mine, one run", "mine, another"])
    assert len(set(same.values())) == 1


@pytest.mark.parametrize("width", [3.4, 7.4])
def test_a_legend_stays_within_its_figure_and_labels_apart(width):
    arms = aggregate(summary(*(row(arm, known=0.5) for arm in ("base", "full", "seat", "full_ep_kl", "tether"))))
    ax = plot.rates(arms, ax=plot.new_axes(width, 3.2))
    ax.figure.canvas.draw()
    whole, legend = ax.figure.bbox, ax.get_legend().get_window_extent()
    assert whole.x0 <= legend.x0
    assert legend.x1 <= whole.x1
    labels = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(one.x1 <= other.x0 for one, other in itertools.pairwise(labels))


def test_a_variant_is_told_from_its_arm_by_hatching():
    ax = plot.rates(aggregate(summary(row("base"), row("seat"), row("seat, one EP prompt"))))
    plain, hatched = ax.containers[-4], ax.containers[-2]  # bars, then whiskers, of each arm
    assert [bars[0].get_hatch() for bars in (plain, hatched)] == [None, "////"]
    assert plain[0].get_facecolor() == hatched[0].get_facecolor()


def test_rates_in_rows_want_an_axes_each():
    arms = aggregate(summary(row("base"), row("full")))
    with pytest.raises(SeatError, match="There are 2 axes for 5 rates"):
        plot.rates_by_row(arms, list(Figure().subplots(1, 2)))
