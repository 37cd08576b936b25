import jax
import numpy as np

from jtransfer.data.loading import load_speech
from jtransfer.recipes.speakers.corpus import Corpus
from jtransfer.recipes.speakers.leave_one_out import leave_one_speaker_out
from jtransfer.recipes.speakers.options import Adapting, Training
from jtransfer.recipes.speakers.speaker_independent import Trainer
from tests.recipes.speakers.three_speakers import use_tiny_nets, write_words


def test_a_callers_own_utterances(tmp_path, monkeypatch):
    use_tiny_nets(monkeypatch)
    utterances = load_speech("wav:words", data_root=write_words(tmp_path))
    trainer = Trainer.build(
        Corpus.build(utterances, longest=0.12), Training(steps=2, batch=4, seed=3)
    )
    options = Adapting(
        steps=2, batch=2, each=(1,), draws=2, learning_rates=(1e-2,), choose_each=(1,), together=3
    )
    found = leave_one_speaker_out(trainer, tmp_path / "runs", options, methods=("head",))
    assert found.speakers == ["ann", "bo", "cy"]
    assert found.chosen == {"head": [[1e-2, 0.0]] * 3}
    # Of ten utterances of a speaker one of each word is adapted on, the other eight are tested.
    of_eight = np.array([found.accuracies["none"]["0"], found.accuracies["head"]["1"]]) * 8
    np.testing.assert_allclose(of_eight, of_eight.round())
    assert of_eight.shape == (2, 3 * 2)
    assert (tmp_path / "runs" / "without-ann-2-seed3").is_dir()

    def step(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(trainer.step.__class__, "__call__", step)
    first, again = (trainer.train(tmp_path / "runs", (0,))["params"] for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, first, again)
