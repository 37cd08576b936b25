import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.feature_progress import FeatureCacheError
from tests.transfer.ten_images import IMAGES, KEY, ROWS, Source, layers, run


def test_several_layers_in_one_pass(tmp_path):
    calls = []

    def counted(images):
        calls.append(len(images))
        return layers(images)

    features = run(tmp_path / "new" / "cache", apply=counted)
    np.testing.assert_array_equal(features.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)
    # Image i holds 4i, 4i + 1, 4i + 2, 4i + 3.
    np.testing.assert_array_equal(features.layers["top"][:, 0], 16 * np.arange(ROWS) + 6)
    assert features.layers["maps"].dtype == np.float32
    assert features.present.all()
    assert features.key == KEY
    assert calls == [3, 3, 3, 3]  # the last image is repeated twice


def test_a_whole_cache_is_only_read(tmp_path):
    run(tmp_path)

    def refuse(_):
        raise AssertionError("called")

    again = run(tmp_path, refuse, apply=refuse)
    np.testing.assert_array_equal(again.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)


def test_a_jitted_net_is_compiled_once(tmp_path):
    traced = []

    @jax.jit
    def net(images):
        traced.append(images.shape)
        return layers(images)

    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(4, fails_at=4), apply=net)
    # Two rows are left for the last batch, and one batch was missing an image.
    run(tmp_path, Source(4, missing=(5,)), apply=net)
    assert traced == [(4, 2, 2, 1)]


@pytest.mark.parametrize(("commit_every", "resumes_at"), [(1, 6), (3, 6), (4, 6), (7, 0), (100, 0)])
def test_an_interrupted_extraction_goes_on(tmp_path, commit_every, resumes_at):
    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(fails_at=6), commit_every=commit_every)
    source = Source()
    features = run(tmp_path, source, commit_every=commit_every)
    assert source.starts == [resumes_at]
    np.testing.assert_array_equal(features.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)
    assert features.present.all()


def test_rows_that_were_done_are_not_written_again(tmp_path):
    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(fails_at=6))
    features = run(tmp_path, apply=lambda images: {k: v + 1 for k, v in layers(images).items()})
    added = np.array([0] * 6 + [1] * 4)
    np.testing.assert_array_equal(features.layers["top"][:, 0], 16 * np.arange(ROWS) + 6 + added)


@pytest.mark.parametrize("missing", [(0,), (4, 5), (3, 4, 5), (8, 9), (9,)])
def test_rows_that_are_left_out(tmp_path, missing):
    features = run(tmp_path, Source(missing=missing))
    assert np.flatnonzero(~features.present).tolist() == list(missing)
    expected = np.where(features.present[:, None], IMAGES.reshape(ROWS, 4) / 2, 0)
    np.testing.assert_array_equal(features.layers["maps"], expected)


def test_nothing_but_rows_left_out_remains(tmp_path):
    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(fails_at=9))
    features = run(tmp_path, Source(missing=(9,)))
    assert features.present.tolist() == [True] * 9 + [False]


def test_no_image_at_all(tmp_path):
    with pytest.raises(FeatureCacheError, match="no image came for any of 10 rows"):
        run(tmp_path, Source(missing=range(ROWS)))
    assert run(tmp_path).present.all()


def test_half_precision(tmp_path):
    features = run(tmp_path, dtype=np.float16)
    assert features.layers["maps"].dtype == np.float16
    np.testing.assert_array_equal(features.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)
    with pytest.raises(FeatureCacheError, match=r"dtype: 'float16' there, 'float32' asked for"):
        run(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite(tmp_path, value):
    def broken(images):
        outputs = layers(images)
        # Image 7 holds 28 to 31.
        outputs["maps"] = jnp.where(images == 30, value, outputs["maps"])
        return outputs

    with pytest.raises(FeatureCacheError, match=r"layer 'maps' at row 7 hold NaN or infinity"):
        run(tmp_path, apply=broken)
    # The row is not in the cache, and a mended net goes on before it.
    source = Source()
    assert run(tmp_path, source).present.all()
    assert source.starts == [6]


def test_what_half_precision_cannot_hold(tmp_path):
    with pytest.raises(FeatureCacheError, match=r"'top' at row 0 hold .* \(as float16\)"):
        run(tmp_path, apply=lambda x: {"top": 1e5 + x.astype(np.float32)}, dtype=np.float16)


@pytest.mark.parametrize(
    ("rows", "count"), [([1, 0], 2), ([0, 0], 2), ([9, 10], 2), ([0, 1], 3), ([], 0), ([-1], 1)]
)
def test_batches_that_make_no_sense(tmp_path, rows, count):
    with pytest.raises(FeatureCacheError, match="one image a row, and rows from 0 to 9"):
        run(tmp_path, lambda *_: iter([(np.array(rows), IMAGES[:count])]))


def test_batches_that_start_too_early(tmp_path):
    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(fails_at=6))
    with pytest.raises(FeatureCacheError, match="rows from 6 to 9"):
        run(tmp_path, lambda _, stop: Source()(0, stop))


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([[0.0], [np.nan]], "row 1 of the features holds NaN or infinity"),
        ([[0.0], [-np.inf]], "row 1 of the features holds"),
        ([[0.0], [1e39]], "row 1 of the features holds"),  # infinite in float32
        ([["a"], ["b"]], "features are <U1; expected real numbers"),
        ([[1j], [2.0]], "features are complex128; expected real numbers"),
    ],
)
def test_features_that_float32_does_not_hold(features, says):
    with pytest.raises(ValueError, match=says):
        require_finite(np.array(features))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, int, bool])
def test_features_of_any_real_type(dtype):
    require_finite(np.array([[0, 1]], dtype))
