"""The picture of what captures cost shows the numbers that it is given."""

from analyses.plots.capture import plot_memory, plot_time_ratios

SMALL, LARGE = {"backbone": 1.0, "capture": 1.5, "bridge": 3.0}, {"backbone": 1.0, "capture": 1.02}
ROWS = [
    {"scheme": name, "model": model, "against": "backbone", "time_ratio": each, "time_ratio_spread": [0.9 * each, each]}
    for model, ratios in {"small": SMALL, "large": LARGE}.items()
    for name, each in ratios.items()
]
MEMORY = [
    {"scheme": name, "prompts": count, "peak_memory_mib": size}
    for name, sizes in {"kept": (1.0, 10.0), "streamed": (2.0, 2.0)}.items()
    for count, size in zip((100, 1000), sizes)
]


def test_ratios_are_where_they_belong():
    (ax,) = plot_time_ratios(ROWS).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["capture", "bridge"]
    assert [list(line.lines[0].get_xdata()) for line in ax.containers] == [[1.5, 3.0], [1.02]]
    assert ax.get_legend_handles_labels()[1] == ["small", "large"]


def test_rows_at_other_lengths_are_left_to_the_table():
    more = {**ROWS[1], "scheme": "capture, 12 clauses", "varied": "clauses"}
    (ax,) = plot_time_ratios([*ROWS, more]).axes
    assert "capture, 12 clauses" not in [label.get_text() for label in ax.get_yticklabels()]


def test_memory_has_a_line_for_each_scheme():
    (ax,) = plot_memory(MEMORY).axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 10.0], [2.0, 2.0]]
