import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.fft import dct

from jtransfer.data import DataError
from jtransfer.data.loading import load_speech
from jtransfer.data.mel import FrontEnd, mfcc, normalise
from tests.draws import normal


def test_frames_lie_within_the_utterance():
    front_end = FrontEnd(8000)
    assert (front_end.window_samples, front_end.hop_samples, front_end.fft) == (200, 80, 256)
    counts = [front_end.frames(samples) for samples in (1, 200, 279, 280, 360)]
    assert counts == [1, 1, 1, 2, 3]


def test_a_tone_fills_its_band():
    front_end = FrontEnd(8000)
    tone = jnp.sin(2 * jnp.pi * 1000 * jnp.arange(2000) / 8000)
    mel, mask = jax.jit(front_end.log_mel)(tone[None], jnp.array([2000]))
    assert mel.shape == (1, 23, 40)
    assert mask.all()
    # 1000 Hz is the frequency of row 32.
    loudest = int(np.argmax(front_end.filters[32]))
    assert (np.asarray(mel[0]).argmax(axis=1) == loudest).all()


def test_what_stands_behind_an_utterance_changes_nothing():
    random = np.random.default_rng(0)
    sound = random.normal(0, 0.1, (2, 900)).astype(np.float32)
    lengths = np.array([900, 430])
    front_end = FrontEnd(8000)
    log_mel = jax.jit(front_end.log_mel)
    mel, mask = log_mel(sound, lengths)
    assert mask.sum(axis=1).tolist() == [9, 3]

    dirty = sound.copy()
    dirty[1, 430:] = np.nan
    longer = np.concatenate([dirty, np.full((2, 500), 7, np.float32)], axis=1)
    for other, frames in ((dirty, 9), (longer, 16)):
        mel2, mask2 = log_mel(other, lengths)
        assert mel2.shape[1] == frames
        np.testing.assert_array_equal(mask2[:, :9], mask)
        np.testing.assert_array_equal(mel2[:, :9], mel)
        assert not mask2[:, 9:].any()
        normed = normalise(mel2, mask2)
        np.testing.assert_allclose(normed[:, :9], normalise(mel, mask), atol=1e-6)
        np.testing.assert_array_equal(normed[1, 3:], 0)

    alone = log_mel(sound[1:, :430], lengths[1:])[0]
    np.testing.assert_allclose(alone[0], mel[1, :3], atol=1e-5)


def test_every_utterance_is_normalised_by_its_own_frames():
    features = jnp.array([[[1.0, 2.0], [3.0, 2.0], [9.0, 9.0]]])
    normed = normalise(features, jnp.array([[True, True, False]]), epsilon=0.5)
    np.testing.assert_allclose(normed, [[[-1 / 1.5, 0], [1 / 1.5, 0], [0, 0]]], atol=1e-6)


def test_mfcc_is_the_orthonormal_dct():
    mel = np.random.default_rng(0).normal(size=(2, 5, 40)).astype(np.float32)
    expected = dct(mel, type=2, norm="ortho")[..., :13]
    np.testing.assert_allclose(jax.jit(mfcc)(mel), expected, atol=1e-5)
    with pytest.raises(DataError, match="41 coefficients of 40 bands"):
        mfcc(mel, 41)


def test_bands_are_htks_and_one_high():
    """From 0 to 2146 mel (4 kHz) in four steps of 536.5: 700 (10^(536.5 / 2595) - 1) Hz and so on.

    Slaney's mel would have the first centre at 600 Hz or so, and triangles of height 2 / width.
    """
    filters = FrontEnd(8000, bands=3, low=0, window=0.5).filters
    rate = 8000 / FrontEnd(8000, window=0.5).fft
    np.testing.assert_allclose(filters.argmax(axis=0) * rate, [427, 1114, 2220], atol=rate)
    np.testing.assert_allclose(filters.max(axis=0), 1, atol=0.01)


def test_features_that_do_not_change_have_a_gradient():
    features, mask = jnp.ones((1, 5, 2)).at[0, :, 1].set(jnp.arange(5.0)), jnp.ones((1, 5), bool)
    gradient = jax.grad(lambda x: (normalise(x, mask) ** 3).sum())(features)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_long_utterances_in_half_precision(dtype):
    """Counts end at 2048 and 256, sums of squares at 65504."""
    features = 20 + 10 * normal(0, (1, 5000, 1))
    features, mask = features.astype(dtype), jnp.ones((1, 5000), bool)
    normed = normalise(features, mask)
    assert normed.dtype == dtype
    exact = np.asarray(features.astype(jnp.float32), np.float64)
    expected = (exact - exact.mean()) / (exact.std() + 1e-3)
    np.testing.assert_allclose(normed.astype(jnp.float32), expected, rtol=0.01, atol=1e-3)


def test_settings_that_make_no_sense_are_errors():
    with pytest.raises(DataError, match="to 5000 Hz at 8000"):
        FrontEnd(8000, high=5000)
    with pytest.raises(DataError, match="expected at least 1 band"):
        FrontEnd(8000, hop=0)
    with pytest.raises(DataError, match="of 120 mel bands hold none"):
        _ = FrontEnd(8000, bands=120).filters


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_equal_to_librosa_on_real_speech(data_root):
    librosa = pytest.importorskip("librosa")
    read = load_speech("wav:fsdd", data_root=data_root)
    some = read.take(np.arange(0, 3000, 97))
    sound, lengths = some.padded(12_000)
    front_end = FrontEnd(8000)
    mel, mask = jax.jit(front_end.log_mel)(sound, lengths)
    cepstra = jax.jit(mfcc)(mel)
    filters = librosa.filters.mel(sr=8000, n_fft=256, n_mels=40, fmin=20, htk=True, norm=None)
    np.testing.assert_allclose(front_end.filters.T, filters, atol=1e-5)
    for row, utterance in enumerate(some.samples):
        # librosa puts a window of 200 samples into the middle of 256.
        padded = np.pad(utterance[:12_000], 28)
        energy = librosa.feature.melspectrogram(
            y=padded, sr=8000, n_fft=256, win_length=200, hop_length=80, center=False,
            n_mels=40, fmin=20, htk=True, norm=None,
        )  # fmt: skip
        expected = np.log(np.maximum(energy, 1e-10))
        count = int(mask[row].sum())
        assert expected.shape[1] == count
        np.testing.assert_allclose(mel[row, :count], expected.T, atol=1e-3)
        expected = librosa.feature.mfcc(S=expected, n_mfcc=13)
        np.testing.assert_allclose(cepstra[row, :count], expected.T, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float64])
def test_whole_numbers_and_doubles_are_normalised_to_floats(dtype):
    """0, 2: mean 1, deviation 1."""
    normed = normalise(np.array([0, 2], dtype).reshape(1, 2, 1), np.ones((1, 2), bool))
    assert normed.dtype == jnp.float32
    np.testing.assert_allclose(normed.ravel(), [-1 / 1.001, 1 / 1.001], rtol=1e-6)
