"""Learning curves: means over seeds at the epochs that were looked at, one line for each kind."""

import pytest

from analyses.plots.learning import plot_forgetting, plot_interference, plot_mixing


def rate(correct, abstain=0.0):
    return {"n": 10, "correct": correct, "abstain": abstain}


def mixed(arm, share, seed, controls=False):
    def moment(epoch):
        test = {"test HighlyKnown": rate(0.9 - 0.001 * share * epoch), "test Unknown": rate(0.1)}
        found = {"dev": rate(0.5 + 0.1 * (epoch == 1)), "unknown": rate(0.0, 1 - 0.1 * epoch), **test}
        if share < 100 or controls:
            found["train_known"] = rate(0.2 * epoch + 0.02 * seed)
        if share and not controls:
            found["train_unknown"] = rate(0.1 * epoch)
        return {"epoch": epoch, "rates": found}

    return {"arm": arm, "seed": seed, "curve": [moment(epoch) for epoch in (0, 1, 2, 4)]}


def lines(ax):
    return {container.get_label(): list(container.lines[0].get_ydata()) for container in ax.containers}


def test_mixing():
    rows = [mixed(f"{share} % Unknown", share, seed) for share in (0, 50, 100) for seed in (0, 1)]
    rows += [mixed("Known of 50 %", 50, seed, controls=True) for seed in (0, 1)]
    first, second, third, fourth = plot_mixing(rows).axes
    drawn = lines(first)
    assert drawn["Known"] == pytest.approx([0.01, 0.21, 0.41, 0.81])
    assert drawn["Unknown"] == pytest.approx([0, 0.1, 0.2, 0.4])
    assert drawn["strangers abstain"] == pytest.approx([1, 0.9, 0.8, 0.6])
    test = lines(second)
    assert test["4 epochs"] == pytest.approx([0.5, 0.4, 0.3])
    assert test["early stop"] == pytest.approx([0.5, 0.475, 0.45])
    assert lines(third)["without the Unknown"] == pytest.approx([0.4])
    assert lines(fourth)["Unknown"] == pytest.approx([0.1, 0.1])
    assert lines(fourth)["Known"] == pytest.approx([0.21, 0.21])


def test_forgetting():
    def row(arm, seed):
        curve = [
            {
                "epoch": epoch,
                "rates": {name: rate(0.1 * epoch + 0.1 * seed, 0.5) for name in ("D_U", "T_K", "H_K", "unknown")},
                "displacement": {"unknown": -0.1 * epoch, "known": 0.05},
            }
            for epoch in (0, 2, 5)
        ]
        return {"arm": arm, "seed": seed, "curve": curve}

    axes = plot_forgetting([row(arm, seed) for arm in ("all", "ffn") for seed in (0, 1)], ("all", "ffn", "absent")).axes
    assert lines(axes[0]) == {"all": pytest.approx([0.05, 0.25, 0.55]), "ffn": pytest.approx([0.05, 0.25, 0.55])}
    assert lines(axes[3])["all"] == pytest.approx([0.5, 0.5, 0.5])
    assert lines(axes[4])["ffn"] == pytest.approx([0, -0.2, -0.5])


def test_interference():
    def row(arm, count, seed):
        ends = [
            {"rates": {"new": rate(1.0), "H_K": rate(1 - lost), **unknown(lost)}, "drift": [0, lost, 1]}
            for lost in (0, count / 100)
        ]
        return {"arm": arm, "count": count, "seed": seed, "curve": ends}

    def rows():
        return [row(arm, count, seed) for arm in ("names", "strings") for count in (10, 30) for seed in (0, 1, 2)]

    def unknown(lost):
        return {"unknown": rate(0.0, 0.9 - 2 * lost)} if abstains else {}

    abstains = True
    assert lines(plot_interference(rows()).axes[2])["names"] == pytest.approx([0.2, 0.6])
    abstains = False
    new, loss, drift = plot_interference(rows()).axes
    assert lines(new)["names"] == [1, 1]
    assert lines(loss)["strings"] == pytest.approx([0.1, 0.3])
    assert lines(drift)["names"] == pytest.approx([0.1, 0.3])
    assert loss.get_xscale() == "log"
