from dataclasses import replace

import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.synthetic.formants import synthetic_speech
from jtransfer.data.utterances import Utterances, per_speaker_split


def utterances(lengths=(3, 5), labels=(0, 1), speakers=(0, 0)):
    samples = tuple(np.arange(1, 1 + length, dtype=np.float32) for length in lengths)
    names = (("no", "yes"), ("ann", "bo"))
    return Utterances(samples, np.array(labels), np.array(speakers), *names, 8000, "words")


def test_padding_and_cutting_to_the_loudest_stretch():
    sound = replace(utterances(), samples=(np.float32([1, 2]), np.float32([1, -3, 3, 0, 1])))
    array, lengths = sound.padded(3)
    np.testing.assert_array_equal(array, [[1, 2, 0], [1, -3, 3]])
    np.testing.assert_array_equal(sound.padded(2)[0], [[1, 2], [-3, 3]])
    assert lengths.tolist() == [2, 3]


def test_what_does_not_fit_is_an_error():
    with pytest.raises(DataError, match=r"labels of shape .*expected one number from 0 to 1"):
        utterances(labels=(0, 2))
    with pytest.raises(DataError, match="speakers of shape"):
        utterances(speakers=(0,))
    with pytest.raises(DataError, match="utterance 1 has no sample"):
        utterances(lengths=(3, 0))
    with pytest.raises(DataError, match="words has no utterance"):
        utterances(lengths=(), labels=(), speakers=())


def test_the_fingerprint_changes_with_what_is_said():
    prints = {
        each.fingerprint()
        for each in (
            utterances(),
            utterances(labels=(1, 0)),
            utterances(speakers=(0, 1)),
            utterances(lengths=(3, 6)),
            utterances().take(np.array([1, 0])),
        )
    }
    assert len(prints) == 5
    assert utterances().fingerprint() == utterances().fingerprint()


def test_draws_for_fewer_are_among_those_for_more():
    labels, speakers = np.tile([0, 1], 10), np.repeat([0, 1], 10)
    sound = utterances((4,) * 20, labels, speakers)
    few, rest = per_speaker_split(sound, 1, each=1, seed=3)
    more, _ = per_speaker_split(sound, 1, each=4, seed=3)
    assert labels[few].tolist() == [0, 1] or labels[few].tolist() == [1, 0]
    assert np.bincount(labels[more]).tolist() == [4, 4]
    assert set(few) <= set(more) <= set(range(10, 20))
    assert sorted([*few, *rest]) == list(range(10, 20))
    assert not np.array_equal(more, per_speaker_split(sound, 1, each=4, seed=4)[0])


def test_a_speaker_without_some_label_is_named():
    sound = utterances((4,) * 5, (0, 0, 0, 1, 1), (0, 0, 0, 1, 0))
    with pytest.raises(DataError, match=r"speaker 'bo' has only 0 of 'no', 1 of 'yes'; expected"):
        per_speaker_split(sound, 1, each=1, seed=0)
    with pytest.raises(DataError, match="0 utterances a class"):
        per_speaker_split(sound, 0, each=0, seed=0)


def test_synthetic_voices_are_drawn_by_seed():
    two, three = (synthetic_speech(speakers=count, each=1) for count in (2, 3))
    assert (len(two), two.rate) == (20, 8000)
    assert two.classes == tuple("0123456789")
    assert two.speaker_names == ("s0", "s1")
    for one, other in zip(two.samples, three.samples, strict=False):
        np.testing.assert_array_equal(one, other)
        assert np.isfinite(one).all()
        assert 0.05 < np.abs(one).max() <= 1
        assert 0.05 < len(one) / two.rate < 1
    assert two.fingerprint() != synthetic_speech(speakers=2, each=1, seed=1).fingerprint()
    with pytest.raises(DataError, match="0 speakers"):
        synthetic_speech(speakers=0)


def test_another_rate_changes_lengths_alone():
    made = synthetic_speech(speakers=1, each=1)
    slow = made.resampled(4000)
    assert slow.rate == 4000
    assert [len(each) for each in slow.samples] == [len(each) // 2 for each in made.samples]
