import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from rows import row, summary

from seat_interp.displacement import SetDisplacement
from seat_interp.errors import SeatError
from seat_interp.plane import principal_plane
from seat_interp.results.aggregate import aggregate
from seat_interp.results.plots import displacement_by_layer, four_rates, layer_scan, steering_bars
from seat_interp.results.plots_arms import plot_arms
from seat_interp.results.plots_runs import pca_scatter, planes_by_layer, training_curves
from seat_interp.results.style import arm_colour, to_svg

LAYERS = [row("full", moved=moved)["displacement"]["unknown"] for moved in (-0.1, -0.5, -0.9)]
STEERING = {
    "known": 0.0,
    "unknown": 1.0,
    "known_added": 0.9,
    "unknown_ablated": 0.1,
    "random_added": [0.0, 0.05],
    "random_ablated": [1.0, 0.9],
}


SETS = ("unverifiable", "known")


def test_bars_have_the_heights_of_the_rates():
    ax = four_rates(aggregate(summary(row("base", unknown=0.99), row("full", target=0.97, unknown=0.02, over=0.3))))
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers if hasattr(bars, "patches")]
    assert heights == [[0.0, 0.99, 1.0, 1.0, 0.0], [0.97, 0.02, 1.0, 1.0, 0.3]]


def test_displacement_takes_json_and_measured_sets_alike():
    along = torch.tensor([[-0.2, -0.6], [0.0, -0.4]], dtype=torch.float64)
    null = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None].expand(9, 2)
    measured = SetDisplacement(
        along, along.abs(), along.abs(), along.mean(0), along.mean(0) - 0.1, along.mean(0) + 0.1,
        {"random": null, "shuffled": null, "pca": null},
    )  # fmt: skip
    as_json = [measured.summary(layer) for layer in range(2)]
    lines = [displacement_by_layer({"tuned": given}, 1).containers[0].lines[0] for given in (measured, as_json)]
    for line in lines:
        np.testing.assert_allclose(line.get_ydata(), [-0.1, -0.5])


def test_given_axes_are_drawn_on_and_settings_stay():
    before = dict(matplotlib.rcParams)
    top, bottom = Figure().subplots(2)
    assert displacement_by_layer({"full": LAYERS}, 2, top) is top
    assert layer_scan({-1: [0.6, 0.9, 1.0], -2: [0.5, 0.7, 0.8]}, 2, -1, bottom) is bottom
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []


def test_chosen_layer_of_the_scan_is_marked():
    ax = layer_scan({-1: [0.6, 0.9, 0.8], -2: [0.5, 0.7, 0.95]}, 2, -2)
    assert "chosen: layer 2, 0.950" in [text.get_text() for text in ax.texts]


def test_steering_bars_show_means_and_each_random_direction():
    ax = steering_bars(STEERING, prompts={"known": 60, "unknown": 60})
    assert [bar.get_height() for bar in ax.patches] == pytest.approx([0.0, 0.9, 0.025, 1.0, 0.1, 0.95])
    circles = [line.get_ydata() for line in ax.lines if line.get_marker() == "o"]
    assert [list(values) for values in circles] == [[0.0, 0.05], [1.0, 0.9]]


def test_pca_axes_are_the_bases_and_shared():
    values = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([9.0, 3, 1, 1, 1, 1])
    push = torch.tensor([5.0, 0, 2, 0, 0, 0])
    panels = pca_scatter(principal_plane({"unverifiable": values}, {"full": {"unverifiable": values + push}}))
    before, after = (np.asarray(ax.collections[0].get_offsets()) for ax in panels)
    # The components by another way: right singular vectors of the centred base, up to their signs.
    components = torch.linalg.svd(values - values.mean(0), full_matrices=False).Vh[:2]
    np.testing.assert_allclose(np.abs((after - before).mean(0)), (components @ push).abs(), rtol=1e-4)
    np.testing.assert_allclose(before.mean(0), 0, atol=1e-5)
    assert panels[0].get_xlim() == panels[1].get_xlim()


def test_pca_draws_few_points_and_needs_a_probe():
    many = {"unknown": torch.randn(300, 4, generator=torch.Generator().manual_seed(0))}
    assert len(pca_scatter(principal_plane(many, {}), most=50)[0].collections[0].get_offsets()) == 50
    with pytest.raises(SeatError, match="unverifiable or unknown"):
        principal_plane({"known": torch.zeros(3, 4)}, {})


def test_planes_by_layer_say_how_far_apart():
    base = {name: torch.randn(9, 4, generator=torch.Generator().manual_seed(i)) for i, name in enumerate(SETS)}
    rows = []
    for layer in (0, 1):
        plane = principal_plane(base, {"full": base})
        rows.append({"arm": "base", "layer": layer, "separation": {"unverifiable": 0.5}, "plane": plane.to_json()})
        rows.append({"arm": "full", "layer": layer, "separation": {"unverifiable": 0.1 * layer}})
    figure = planes_by_layer(rows)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[0] == "Base, layer 0: 0.50"
    assert titles[3] == "Full fine-tuning, layer 1: 0.10"
    points = np.concatenate(
        [np.asarray(c.get_offsets()) for c in figure.axes[1].collections if len(c.get_offsets()) > 1]
    )
    assert len(points) == 9 * len(SETS)


def test_training_curves_have_a_second_panel_only_with_probes():
    logs = {"full": [{"step": 1, "cross_entropy": 2.0, "gradient": 1.0}, {"step": 2, "cross_entropy": 1.0}]}
    (losses,) = training_curves(logs, {"full": []})
    assert [list(line.get_ydata()) for line in losses.lines] == [[2.0, 1.0]]
    assert len(training_curves(logs, {"full": [{"step": 2, "abstention": 0.5}]})) == 2


def test_svg_is_byte_stable_and_its_ids_are_prefixed():
    first, second = (to_svg(displacement_by_layer({"full": LAYERS}, 2).figure, "one") for _ in range(2))
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
    figure = plot_arms(arms)
    first, *_, last = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()][:2] == ["Base", "Arm 0"]
    drawn = [float(line.get_xdata()[0]) for line in first.lines if line.get_marker() == "o"]
    assert drawn == pytest.approx([arm.target_recall.mean for arm in arms])
    assert last.get_title() == "Over-\nabstention"
