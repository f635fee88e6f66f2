"""Rows of `summary.json` with chosen numbers."""


def row(
    arm,
    seed=0,
    target=0.0,
    unknown=1.0,
    neighbour=1.0,
    known=1.0,
    over=0.0,
    moved=0.0,
    band=(-0.1, 0.1),
    half=0.03,
    n=200,
):
    def wide(rate):
        return [max(0.0, rate - half), min(1.0, rate + half)]

    def displaced(mean):
        return {
            "mean": mean,
            "interval": [mean - 0.02, mean + 0.02],
            "orthogonal": 1.5,
            "cosine_drift": 0.1,
            "null": {"random": list(band), "shuffled": [-0.2, 0.2], "pca": [-0.6, 0.6]},
        }

    return {
        "arm": arm,
        "seed": seed,
        "target_recall": target,
        "known_recall": known,
        "over_abstention": over,
        "abstention": {"unknown": unknown, "neighbour": neighbour},
        "intervals": {
            "target_recall": wide(target),
            "known_recall": wide(known),
            "over_abstention": wide(over),
            "abstention": {"unknown": wide(unknown), "neighbour": wide(neighbour)},
        },
        "displacement": {"unknown": displaced(moved), "known": displaced(moved / 2)},
        "seconds": 10.0 + seed,
        "peak_memory_mib": 100.0,
    }


def summary(*rows):
    return {"rows": list(rows), "config": {}, "environment": {}}
