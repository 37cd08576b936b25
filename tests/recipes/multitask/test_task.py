import numpy as np

from jtransfer.recipes.multitask.task import class_accuracy, explained


def test_scores_by_hand():
    assert class_accuracy(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])) == 0.5
    targets = np.array([-1.0, 1.0])
    assert explained(targets[:, None] / 2, targets) == 0.75  # 1 - .25 / 1
    assert explained(np.zeros((2, 1)), targets) == 0
