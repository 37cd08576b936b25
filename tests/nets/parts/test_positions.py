import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.positions import RESAMPLING, bicubic_weights, resample_positions

POSITIONS = np.random.default_rng(0).normal(size=(7, 7, 5)).astype(np.float32)


def published(way, positions, grid):
    """The call of each publisher's code."""
    torch = pytest.importorskip("torch")
    maps = torch.from_numpy(positions).permute(2, 0, 1)[None]
    if way == "dinov2":
        ratios = [(size + 0.1) / side for size, side in zip(grid, positions.shape, strict=False)]
        size = {"scale_factor": tuple(ratios)}
    else:
        size = {"size": grid}
    maps = torch.nn.functional.interpolate(
        maps, mode="bicubic", align_corners=False, antialias=way == "timm", **size
    )
    return maps[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("grid", [(3, 4), (7, 5), (16, 9), (1, 37)], ids=str)
@pytest.mark.parametrize("way", RESAMPLING)
def test_interpolated_as_the_publisher_does(way, grid):
    ours = resample_positions(jnp.asarray(POSITIONS), grid, RESAMPLING[way])
    theirs = published(way, POSITIONS, grid)
    assert ours.shape == theirs.shape == (*grid, 5)
    np.testing.assert_allclose(ours, theirs, atol=5e-6)


def test_the_ways_differ():
    """By how much, of a deviation of 1: nothing that rounding would explain."""
    for grid, least in (((4, 4), 0.1), ((16, 16), 0.05)):
        ways = [
            resample_positions(jnp.asarray(POSITIONS), grid, way) for way in RESAMPLING.values()
        ]
        for first, second in ((0, 1), (1, 2)):
            assert np.abs(ways[first] - ways[second]).max() > least


def test_the_same_grid_stays_as_it_is():
    positions = jnp.asarray(POSITIONS)
    assert all(
        resample_positions(positions, (7, 7), way) is positions for way in RESAMPLING.values()
    )


def test_twice_as_many_points_by_hand():
    """Of 2 points to 4, the first lies a quarter before the first: a = -3/4, ends repeated."""
    # Keys' weights at distances 1/4 and 3/4 to the nearest, 5/4 and 7/4 to the outer two.
    near, far, outer, outermost = 0.87890625, 0.26171875, -0.10546875, -0.03515625
    weights = bicubic_weights(2, 4, RESAMPLING["huggingface"])
    first = (near + far + outermost, outer)
    second = (near + outer, far + outermost)
    np.testing.assert_allclose(weights, [first, second, second[::-1], first[::-1]], atol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
