"""Nets and probes as programs, run by a process that has JAX and nothing of jtransfer."""

import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.nets.stablehlo import to_stablehlo
from jtransfer.nets.vit import vit
from jtransfer.transfer.features.probe import LinearProbe
from tests import draws

SIZES = (1, 5)
IMAGES, ROWS = draws.normal(0, (5, 12, 12, 3)), draws.normal(1, (5, 6))

ELSEWHERE = """
import sys
from pathlib import Path

import numpy as np
from jax import export

for file in Path(sys.argv[1]).glob("*.stablehlo"):
    program = export.deserialize(bytearray(file.read_bytes()))
    inputs = np.load(file.with_suffix(".npy"))
    outputs = [program.call(inputs[:size]) for size in map(int, sys.argv[2:])]
    np.savez(file.with_suffix(".npz"), *outputs)
assert not {"jtransfer", "flax"} & {*sys.modules}
"""


def convolutions():
    """Of 32 channels, which on CPU are Winograd's products."""
    stages = (
        ("conv1", partial(ConvStage, 32, 3, norm=True)),
        ("conv2", partial(ConvStage, 32, 3, pool=(2, 2))),
    )
    net = AdaptationNet(Trunk(stages), Head((8,), 3), Head((8,), 1))
    return partial(net.apply, draws.variables(net, IMAGES), method="predict"), IMAGES


def transformer():
    trunk = vit(TransformerShape(width=16, depth=1, heads=2), patch=4, size=12, classes=4)
    net = Classifier(trunk, Head((), 3))
    shapes = jax.eval_shape(net.init, jax.random.key(0), IMAGES)
    variables = jax.tree.map(lambda leaf: 0.3 * draws.normal(4, leaf.shape), shapes)
    return partial(net.apply, variables), IMAGES


def probe():
    found = LinearProbe(draws.normal(2, (6, 4)), draws.normal(3, (4,)), jnp.zeros(()))
    return found.decision, ROWS


def test_they_give_elsewhere_what_they_give_here_for_any_batch(tmp_path):
    made = {each.__name__: each() for each in (convolutions, transformer, probe)}
    for name, (function, inputs) in made.items():
        content = to_stablehlo(function, inputs[:1])
        assert export.deserialize(bytearray(content)).platforms == ("cpu", "cuda", "tpu")
        (tmp_path / f"{name}.stablehlo").write_bytes(content)
        np.save(tmp_path / f"{name}.npy", inputs)
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path), *map(str, SIZES)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    for name, (function, inputs) in made.items():
        expected = np.asarray(jax.jit(function)(inputs))
        with np.load(tmp_path / f"{name}.npz") as found:
            for number, size in enumerate(SIZES):
                np.testing.assert_allclose(
                    found[f"arr_{number}"], expected[:size], rtol=1e-5, atol=1e-5, err_msg=name
                )


def test_what_has_no_batch_or_depends_on_it_is_refused():
    with pytest.raises(ValueError, match=r"shapes \[\(\)\]; expected one or more, each with"):
        to_stablehlo(jnp.square, jnp.zeros(()))
    with pytest.raises(ValueError, match=r"shapes \[\]; expected"):
        to_stablehlo(lambda: jnp.zeros(3))

    def of_few(rows):
        return rows if rows.shape[0] > 3 else rows[:1]

    with pytest.raises(ValueError, match=r"cannot be written for any batch .*'batch' > '3'"):
        to_stablehlo(of_few, jnp.zeros((2, 3)))
