import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data.augment.spec_augment import spec_augment


def hidden(seed, *, batch=200, frames=20, bands=10, lengths=None, **settings):
    lengths = np.full(batch, frames) if lengths is None else lengths
    mask = np.arange(frames)[None] < lengths[:, None]
    features = jnp.ones((batch, frames, bands))
    augment = jax.jit(spec_augment(**settings))
    return np.asarray(augment(jax.random.key(seed), features, mask)) == 0


def test_stretches_of_frames_are_hidden_whole():
    gone = hidden(0, time_masks=1, longest=0.25, frequency_masks=0)
    assert (gone.all(axis=2) == gone.any(axis=2)).all()
    counts = gone[:, :, 0].sum(axis=1)
    # From 0 to a quarter of 20 frames, all about as often: 200 / 6 of each.
    assert set(counts) == set(range(6))
    assert np.bincount(counts).min() > 15
    edges = np.abs(np.diff(gone[:, :, 0].astype(int), axis=1)).sum(axis=1)
    assert edges.max() <= 2
    assert gone[:, 0, 0].any()
    assert gone[:, -1, 0].any()


def test_stretches_of_bands_are_hidden_whole():
    gone = hidden(1, time_masks=0, frequency_masks=1, widest=3)
    assert (gone.all(axis=1) == gone.any(axis=1)).all()
    assert set(gone[:, 0].sum(axis=1)) == {0, 1, 2, 3}


def test_a_share_of_the_utterances_own_frames_is_hidden():
    lengths = np.array([4, 20] * 100)
    gone = hidden(2, lengths=lengths, time_masks=1, longest=0.5, frequency_masks=0)
    counts = gone[:, :, 0].sum(axis=1)
    assert counts[::2].max() == 2
    assert counts[1::2].max() == 10
    assert not gone[::2, 4:].any()


def test_the_key_decides_and_bad_settings_are_errors():
    np.testing.assert_array_equal(hidden(3), hidden(3))
    assert not np.array_equal(hidden(3), hidden(4))
    with pytest.raises(ValueError, match=r"longest=1\.5.*a share up to 1"):
        spec_augment(longest=1.5)
