"""Trained nets with batch norm, whose statistics are those of each domain."""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.domain_statistics import statistics_of_domain
from jtransfer.nets.efficientnet_lite import StemStage
from jtransfer.nets.parts.batch_norm import BatchNorm
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.recipes.unlabelled_folder import trained as trained_module

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)


def stem(*, num_domains=None, frozen_statistics=True):
    """A stage as EfficientNet-Lite has it, and a head that `FrozenTrunk` leaves out."""
    norm = BatchNorm(momentum=0.9, epsilon=1e-3, frozen=frozen_statistics, num_domains=num_domains)
    return Trunk((("stem", partial(StemStage, norm)), ("head", partial(StemStage, norm))))


@pytest.fixture
def trunk(monkeypatch):
    monkeypatch.setattr(
        trained_module, "published_weights", lambda name: SimpleNamespace(build=stem)
    )
    net = stem().clone(stages=stem().stages[:1])
    variables = net.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    variables = jax.tree.map(lambda leaf: np.asarray(leaf) + 0.1, variables)
    preprocessing = Preprocessing(8, 1.0, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return FrozenTrunk("tiny", net, variables, preprocessing, "0" * 64)


def test_a_net_for_both_domains_begins_as_the_published_one(trunk):
    published = PublishedTrunk(trained_module._of_both_domains(trunk), hidden=2)
    net = published.net(classes=3)
    pixels = published.normalise(IMAGES)
    variables = published.under(net.init(jax.random.key(0), pixels))
    expected = trunk(trunk.variables, IMAGES, ("stem",))["stem"]
    for domain in (0, 1):
        features = net.apply(variables, pixels, domains=(domain,), method="features")
        np.testing.assert_allclose(features, expected, rtol=1e-5)


@pytest.mark.parametrize("domain", [0, 1])
def test_a_trained_net_reads_the_target_by_the_statistics_that_its_method_says(trunk, domain):
    published = PublishedTrunk(trained_module._of_both_domains(trunk), hidden=2)
    net = published.net(classes=3)
    pixels = published.normalise(IMAGES)
    variables = published.under(net.init(jax.random.key(0), pixels))
    # Of each domain others, as training makes them.
    variables["batch_stats"] = jax.tree.map(
        lambda leaf: leaf * jnp.array([[2.0], [3.0]]), variables["batch_stats"]
    )
    features = partial(net.apply, variables, domains=(domain,), method="features")
    state = SimpleNamespace(
        params=variables["params"], stats={"batch_stats": variables["batch_stats"]}
    )
    recipe = SimpleNamespace(on_target=lambda each: each, domains=(0, domain))
    run = SimpleNamespace(
        trained=(SimpleNamespace(recipe=recipe), state),
        result={"seconds": 1.0},
        source_features=lambda images: features(published.normalise(images)),
        target_features=lambda images: features(published.normalise(images)),
    )
    found = trained_module._net_of(run, trunk, IMAGES, IMAGES)
    alone = found.trunk(found.trunk.variables, IMAGES, ("stem",))["stem"]
    np.testing.assert_allclose(alone, found.target, rtol=1e-5)
    logits = net.apply(variables, pixels, domains=(domain,), method="predict")
    np.testing.assert_allclose(found.model.probe.decision(alone), logits, rtol=1e-4, atol=1e-5)
    assert found.trunk.sha256 != trunk.sha256
    expected = statistics_of_domain(variables, domain)["batch_stats"]["trunk"]
    jax.tree.map(np.testing.assert_array_equal, found.trunk.variables["batch_stats"], expected)
