"""What frozen stages give, in place of the images: the same, computed once."""

import jax
import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.recipes.adaptation.frozen_outputs import FrozenOutputs, frozen_outputs
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.recipes.adaptation.run_methods import run_methods

PARTS = ("source", "target", "test", "held_out")


@pytest.fixture(scope="module")
def outputs(tiny_problem, published, tmp_path_factory):
    trunk, cache = PublishedTrunk(published, frozen=1, hidden=4), tmp_path_factory.mktemp("cache")
    return Problem(
        *(frozen_outputs(getattr(tiny_problem, part), trunk, cache_folder=cache) for part in PARTS)
    )


def test_they_are_what_the_published_stages_make_of_the_images(tiny_problem, published, outputs):
    pixels = published.preprocessing.normalise(tiny_problem.target.images)
    expected = published.trunk.apply(published.variables, pixels, domains=(1,), until="stem")
    assert outputs.target.images.shape == (9, 4, 4, 32)
    np.testing.assert_allclose(outputs.target.images, expected, atol=1e-5)
    taken = outputs.target.take(np.array([7, 2]))
    np.testing.assert_array_equal(taken.images, outputs.target.images[[7, 2]])
    np.testing.assert_array_equal(taken.labels, tiny_problem.target.labels[[7, 2]])


@pytest.mark.parametrize("method", ["dann", "adda"])
def test_methods_learn_what_they_learn_of_the_images(
    tiny_problem, published, outputs, tmp_path, method
):
    trunk = PublishedTrunk(published, frozen=1, hidden=4)
    learned, said = [], []
    for name, problem, given in (
        ("images", tiny_problem, trunk),
        ("outputs", outputs, trunk.above_frozen),
    ):
        conduct = Conduct(out=tmp_path / name, steps=2, evaluate_every=0, checkpoint_every=0)
        options = Options(batch=4, trunk=given)
        run = run_methods(problem, [method], options=options, conduct=conduct)[method, 0]
        params = jax.device_get(run.trained[1].params)
        learned.append({key: params[key] for key in ("domain_head", "label_head")})
        learned[-1]["top"] = params["trunk"]["top"]
        said.append({key: run.result[key] for key in ("options", "data", "target_accuracy")})
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), *learned)
    assert said[0] == said[1]


def test_what_does_not_fit_is_said(tiny_problem, published, outputs, tmp_path):
    trunk = PublishedTrunk(published, frozen=1)
    with pytest.raises(ValueError, match="no stage is frozen"):
        frozen_outputs(tiny_problem.source, PublishedTrunk(published), cache_folder=tmp_path)
    with pytest.raises(ValueError, match="source as Examples, for a net above frozen stages"):
        METHODS["dann"].recipe(tiny_problem, Options(trunk=trunk.above_frozen), 4)
    with pytest.raises(ValueError, match="source as FrozenOutputs, for a net without"):
        METHODS["dann"].recipe(outputs, Options(trunk=trunk), 4)
    with pytest.raises(ValueError, match="mean teacher on what stem gives; expected images"):
        METHODS["teacher"].recipe(outputs, Options(trunk=trunk.above_frozen), 4)
    with pytest.raises(DataError, match="source as FrozenOutputs and target as Examples"):
        Problem(outputs.source, tiny_problem.target, outputs.test, outputs.held_out)
    assert isinstance(outputs.source, FrozenOutputs)
