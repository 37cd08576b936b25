import pytest

from jtransfer.data import DataError
from jtransfer.data.synthetic.formants import synthetic_speech
from jtransfer.recipes.speakers.corpus import Corpus


def test_too_few_speakers_are_an_error():
    with pytest.raises(DataError, match=r"has the speakers \('s0', 's1'\); expected at least 3"):
        Corpus.build(synthetic_speech(speakers=2, each=1), longest=0.3)
