"""The plane of the base's ignorance: separation by a closed form, and what is saved is what was there."""

import numpy as np
import pytest
import torch

from seat_interp.directions.plane import Plane, principal_plane
from seat_interp.plot.activations import thinned


def test_separation_is_the_silhouette():
    apart, mixed = np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[10.0, 0.0], [10.0, 1.0]])
    plane = Plane("unverifiable", (0.5, 0.2), {"base": {"known": apart, "unverifiable": mixed}})
    # Each point: 1 to its own kind, 10 and sqrt(101) to the others.
    other = (10 + 101**0.5) / 2
    assert plane.silhouette("base") == pytest.approx(1 - 1 / other)
    same = Plane("unverifiable", (0.5, 0.2), {"base": {"known": apart, "unverifiable": apart.copy()}})
    assert same.silhouette("base") < 0


def test_saved_and_read_back():
    generator = torch.Generator().manual_seed(0)
    base = {"unverifiable": torch.randn(30, 5, generator=generator), "known": torch.randn(20, 5, generator=generator)}
    plane = principal_plane(base, {"full": {"known": base["known"] + 1}})
    assert list(plane.points) == ["base", "full"]
    assert 0 < plane.shares[1] <= plane.shares[0] < 1
    again = Plane.from_json(thinned(plane, 8).to_json())
    assert (again.fitted_on, again.shares) == (plane.fitted_on, plane.shares)
    np.testing.assert_allclose(
        again.points["base"]["known"], plane.points["base"]["known"][[0, 3, 5, 8, 11, 14, 16, 19]], atol=1e-3
    )
