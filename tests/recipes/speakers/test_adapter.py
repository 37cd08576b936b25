import jax
import numpy as np
import optax
import pytest

from jtransfer.data.synthetic.formants import synthetic_speech
from jtransfer.recipes.speakers.adapter import Adapter
from jtransfer.recipes.speakers.corpus import Corpus
from jtransfer.recipes.speakers.step_by_step import adapt_step_by_step
from jtransfer.recipes.speakers.task import Task
from tests.recipes.speakers.three_speakers import use_tiny_nets


@pytest.fixture
def corpus(monkeypatch):
    use_tiny_nets(monkeypatch)
    return Corpus.build(synthetic_speech(speakers=3, each=2), longest=0.3)


@pytest.fixture
def tasks(corpus):
    return [
        Task.draw(corpus.utterances, corpus.fresh(seed=0), speaker, each=1, most=1, seed=1)
        for speaker in range(3)
    ]


def test_a_chunk_of_tasks_gives_what_each_gives_alone(corpus, tasks):
    settings = [(1e-2, 0.0), (3e-3, 0.5), (1e-1, 0.0)]
    together = Adapter(corpus, 2, 4, 10, 2).adapted("full", tasks, settings)
    alone = Adapter(corpus, 2, 4, 10, 1).adapted("full", tasks, settings)
    assert together == alone
    assert len(together) == 3


def test_step_by_step_is_the_one_program(corpus, tasks):
    adapter = Adapter(corpus, 2, 4, 10, 1)
    runs = adapter.runs(tasks[:1], [(1e-2, 0.0)])
    run = jax.tree.map(lambda leaf: leaf[0], runs)
    params = run.variables["params"]
    stepping = adapt_step_by_step(
        corpus.net(),
        params,
        "last",
        steps=2,
        optimizer=optax.adam(optax.cosine_decay_schedule(1e-2, 2)),
    )
    found, expected = stepping(run), jax.jit(adapter.adaptations["last"])(run)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found, expected)
    moved = np.abs(found["head"]["out"]["bias"] - params["head"]["out"]["bias"])
    # Adam's first step is the rate, its second half of it: the cosine's, at half of the way.
    assert moved.max() == pytest.approx(1.5e-2, rel=0.05)
