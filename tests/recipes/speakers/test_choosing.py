from jtransfer.recipes.speakers.choosing import choose
from jtransfer.recipes.speakers.options import Adapting


def test_settings_are_those_of_the_best_mean():
    class Pretending:
        def adapted(self, method, tasks, settings):
            return [task * rate for task, (rate, _) in zip(tasks, settings, strict=True)]

    settings = [(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)]
    # Task 5 - 4 gives weight to the highest rate, task -1 alone to the lowest.
    chosen = choose(Pretending(), "head", {0: [5, -4], 1: [-1]}, settings)
    assert chosen == {0: (3.0, 0.0), 1: (1.0, 0.0)}


def test_rho_is_chosen_where_there_is_one():
    options = Adapting(learning_rates=(0.1, 0.2), rhos=(0.5, 0.7))
    assert options.settings_of("head") == [(0.1, 0.0), (0.2, 0.0)]
    assert options.settings_of("kl") == [(0.1, 0.5), (0.1, 0.7), (0.2, 0.5), (0.2, 0.7)]
