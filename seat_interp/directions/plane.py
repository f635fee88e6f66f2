"""Where prompts lie on two principal components of the base's ignorance, before and after fine-tuning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from torch import Tensor

from seat_interp.core.errors import SeatError

_Points = Mapping[str, Mapping[str, Float[np.ndarray, "_ 2"]]]
"""Points by model and evaluation set."""


@dataclass(frozen=True)
class Plane:
    """Activations of every model on the same two principal components.

    Attributes:
        fitted_on: Evaluation set of the base whose components they are.
        shares: Shares of that set's variance.
        points: Points by model ("base" first) and evaluation set, [prompts, 2].
    """

    fitted_on: str
    shares: tuple[float, float]
    points: _Points = field(repr=False)

    def silhouette(self, model: str, known: str = "known", unknown: str = "unverifiable") -> float:
        """Compute the mean silhouette of two sets in the plane (Rousseeuw 1987).

        Args:
            model: Name of the model, "base" or an arm.
            known: Name of the one set.
            unknown: Name of the other.

        Returns:
            From -1 to 1; 0 for sets that are mixed.
        """
        sets = [self.points[model][name] for name in (known, unknown)]
        labels = np.repeat([0, 1], [len(points) for points in sets])
        return float(silhouette_score(np.concatenate(sets), labels))

    def to_json(self) -> dict[str, Any]:
        """Return the plane for a result file, rounded.

        Returns:
            JSON object.
        """
        points = {
            m: {name: values.round(3).tolist() for name, values in sets.items()} for m, sets in self.points.items()
        }
        return {"fitted_on": self.fitted_on, "shares": list(self.shares), "points": points}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Plane":
        """Make a plane from what `to_json` gave.

        Args:
            saved: JSON object.

        Returns:
            The plane.
        """
        points = {m: {n: np.array(values) for n, values in sets.items()} for m, sets in saved["points"].items()}
        return cls(saved["fitted_on"], tuple(saved["shares"]), points)


def principal_plane(
    base: Mapping[str, Float[Tensor, "_ ... width"]],
    tuned: Mapping[str, Mapping[str, Float[Tensor, "_ ... width"]]],
    *,
    layer: int | None = None,
) -> Plane:
    """Project base and tuned activations on the first two principal components of the base.

    The components are those of the base's unverifiable prompts, or of its unknown ones where there are none; every
    other set, and every tuned model, is projected on them, as in arXiv 2506.14387 v1 (there at the last token).

    Args:
        base: Activations of the base by evaluation set, at one token.
        tuned: Activations by arm and evaluation set.
        layer: Layer, where the activations are of several, as `capture_sets` gives them.

    Returns:
        The plane with the points of every model.

    Raises:
        SeatError: There is neither an unverifiable nor an unknown set, or it has fewer than two prompts; or the
        activations are of several layers and none is named.

    Example:
        >>> base = si.capture_sets(lm, {"known": facts.known[:8], "unknown": facts.unknown[:8]})
        >>> plane = si.principal_plane(base, {"copy": base}, layer=2)
        >>> plane.fitted_on, list(plane.points)
        ('unknown', ['base', 'copy'])
    """
    fit = "unverifiable" if "unverifiable" in base else "unknown"
    if fit not in base or len(base[fit]) < 2:
        raise SeatError(f"The PCA needs unverifiable or unknown prompts, at least two; there are {sorted(base)}.")
    if (base[fit].ndim == 3) != (layer is not None):
        raise SeatError("Give `layer` where activations are of several layers, and there alone: layer=direction.layer.")

    def plain(values: Float[Tensor, "_ ... width"]) -> Float[np.ndarray, "_ width"]:
        return (values if layer is None else values[:, layer]).double().numpy()

    pca = PCA(2, svd_solver="full").fit(plain(base[fit]))
    points = {
        model: {name: pca.transform(plain(values)) for name, values in sets.items()}
        for model, sets in {"base": base, **tuned}.items()
    }
    first, second = map(float, pca.explained_variance_ratio_)
    return Plane(fit, (first, second), points)
