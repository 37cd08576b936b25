import numpy as np
import pytest

from jtransfer.recipes.own_folder.report import principal_plane


def test_the_plane_of_points_on_an_ellipse_is_its_axes():
    """Of points at +-3 along one axis and +-2 along another, beside a constant third number."""
    points = np.array([[3.0, 0, 5], [-3, 0, 5], [0, 2, 5], [0, -2, 5]], np.float32)
    np.testing.assert_allclose(abs(principal_plane(points)), abs(points[:, :2]), atol=1e-6)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_the_plane_keeps_what_it_can_of_the_distances(shape):
    features = np.random.default_rng(0).normal(size=shape)
    plane = principal_plane(features)
    lengths = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(plane, axis=0), lengths[:2])
    assert abs(plane[:, 0] @ plane[:, 1]) < 1e-9
