import numpy as np
import pytest

from jtransfer.recipes.finetuning.rates import choose_rate
from jtransfer.train.loop import NonFiniteLossError


class Trainer:
    """Scores rates by a table; NaN for one that diverges."""

    def __init__(self, scores):
        self.scores, self.seen = scores, []

    def train(self, positions, rate, seed):
        self.trained = positions
        self.seen.append(rate)
        if np.isnan(self.scores[rate]):
            raise NonFiniteLossError
        return rate

    def validate(self, state, positions):
        assert not set(positions) & set(self.trained)
        self.held = positions
        return self.scores[state]


LABELS = np.repeat(np.arange(2), 20)
POSITIONS = np.concatenate([np.arange(5), 20 + np.arange(5)])


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ({0.1: 0.5, 0.2: 0.7, 0.3: 0.6}, 0.2),
        ({0.1: 0.7, 0.2: 0.7, 0.3: 0.6}, 0.1),
        ({0.1: np.nan, 0.2: 0.0, 0.3: np.nan}, 0.2),
    ],
)
def test_the_rate_of_the_best_held_out_accuracy(scores, best):
    trainer = Trainer(scores)
    assert choose_rate(trainer, LABELS, POSITIONS, tuple(scores), seed=0) == best
    # One of the five of each class is held out.
    assert LABELS[trainer.held].tolist() == [0, 1]
    assert set(trainer.held) | set(trainer.trained) == set(POSITIONS)


def test_with_too_few_examples_the_first_rate_is_taken():
    trainer = Trainer({})
    assert choose_rate(trainer, LABELS, POSITIONS[1:], (0.3, 0.1), seed=0) == 0.3
    assert choose_rate(trainer, LABELS, POSITIONS, (0.2,), seed=0) == 0.2
    assert trainer.seen == []
