import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.throughput import flop_counts
from experiments.throughput.layer_operations import (
    TOGETHER,
    Operation,
    convolved,
    jtransfers,
    pooled,
    program,
    xlas,
)
from experiments.throughput.operations import Config, main
from experiments.throughput.pytorch import KEEPING
from experiments.throughput.rows import operation_row
from experiments.throughput.step_operations import OPERATIONS, bottleneck, transformer
from experiments.throughput.step_tables import operations as section
from jtransfer.nets.parts.transformer import TransformerShape

STRIDED = convolved("conv", 2, 9, (3, 4), 5, around=2, stride=2)


def small():
    """An operation of every kind."""
    return [
        *STRIDED,
        *bottleneck("block", 2, 5, 3, 3),
        pooled("pool", 2, 7, 3, 3),
        *transformer(2, 5, TransformerShape(width=6, depth=1, heads=2)),
    ]


def test_sizes_by_hand():
    conv = STRIDED[0]
    # (9 + 2 * 2 - 5) // 2 + 1 positions on each side
    assert conv.outputs == (2, 5, 5, 4)
    assert conv.gigaflop == pytest.approx(2e-9 * 2 * 25 * 5 * 5 * 3 * 4)
    assert pooled("pool", 2, 7, 3, 3).outputs == (2, 3, 3, 3)
    dense = Operation("fc", "dense", TOGETHER, (4, 6), (6, 5))
    assert dense.outputs == (4, 5)
    assert dense.gigaflop == pytest.approx(3 * 2e-9 * 4 * 6 * 5)
    attention = Operation("attention", "attention", "forward", (2, 5, 18), (3, 2))
    assert attention.outputs == (2, 5, 6)
    # 2 examples, 3 heads, 5 x 5 pairs of tokens, 2 numbers of a head: scores, and sums of values.
    assert attention.gigaflop == pytest.approx(2 * 2e-9 * 2 * 3 * 5 * 5 * 2)


@pytest.mark.parametrize(
    ("net", "layers"),
    [
        ("dann-mnist", flop_counts.ganin("mnist")),
        ("dann-svhn", flop_counts.ganin("svhn")),
        ("alexnet-forward", flop_counts.alexnet(224)),
        ("alexnet-tuning", flop_counts.alexnet(160)),
    ],
)
def test_the_shapes_are_those_that_the_steps_are_counted_by(net, layers):
    forward = [o for o in OPERATIONS[net] if o.kind == "convolution" and o.part == "forward"]
    counted = [
        1e-9 * each.inputs[0] * layer.flop for each, layer in zip(forward, layers, strict=True)
    ]
    assert [each.gigaflop for each in forward] == pytest.approx(counted)


def test_the_images_of_a_first_layer_need_no_gradient():
    parts = [each.part for each in convolved("conv1", 2, 9, (3, 4), 5, reads_images=True)]
    assert parts == ["forward", "kernel's gradient"]


@pytest.mark.parametrize("operation", small(), ids=lambda each: f"{each.layer} {each.part}")
def test_both_formulations_compute_the_same(operation):
    ours, theirs = (program(operation, of(operation))() for of in (jtransfers, xlas))
    as_list = ours if isinstance(ours, tuple) else (ours,)
    for one, other in zip(as_list, theirs if isinstance(theirs, tuple) else (theirs,), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("operation", small(), ids=lambda each: f"{each.layer} {each.part}")
def test_pytorch_computes_the_same(operation):
    pytest.importorskip("torch", reason="make test-all installs PyTorch")
    from experiments.throughput.rivals.operations import torch_program

    ours, theirs = program(operation, jtransfers(operation))(), torch_program(operation)()
    if operation.part == TOGETHER:
        ours = ours[1:]  # PyTorch's gives the gradients alone
    else:
        ours, theirs = (ours,), (theirs,)
    for one, other in zip(ours, theirs, strict=True):
        found = other.detach().numpy()
        if found.ndim == 4:
            kernel = operation.part == "kernel's gradient"
            found = found.transpose((2, 3, 1, 0) if kernel else (0, 2, 3, 1))
        np.testing.assert_allclose(one, found, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_short_benchmark_writes_its_numbers(tmp_path, monkeypatch):
    few = tuple(replace(each, inputs=(2, *each.inputs[1:])) for each in OPERATIONS["dann-mnist"])
    monkeypatch.setitem(OPERATIONS, "dann-mnist", few)
    result = main(Config(nets=("dann-mnist",), rounds=2, out=tmp_path))
    assert json.loads((tmp_path / "cpu.json").read_text()) == json.loads(json.dumps(result))
    first = result["nets"]["dann-mnist"][0]
    times = {who: each["median_ms"] for who, each in first["times"].items()}
    if KEEPING in times:
        assert operation_row(first)[-1] == f"{times['jtransfer'] / times[KEEPING]:.2f}"
    assert "| conv1 | forward |" in section([result])
    assert section([]) == ""


def test_an_unknown_net_is_refused():
    with pytest.raises(ValueError, match="no net dann; expected some of dann-mnist"):
        main(Config(nets=("dann",)))
