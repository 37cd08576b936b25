import json

import pytest

from experiments.report import Config, collect, main


def result(method, seed, accuracy):
    return {
        "experiment": "adapt_digits",
        "pair": "mnist-mnist_m",
        "net": "paper",
        "preset": "small",
        "batch": 64,
        "rate": 0.01,
        "momentum": 0.9,
        "gamma": 10.0,
        "steps": 6000,
        "method": method,
        "seed": seed,
        "target_accuracy": accuracy,
        "proxy_a_distance": 1.5,
        "chosen_by": "last step",
        # the second run of each method was interrupted, so its time is not the whole
        "started_at_step": 1000 * seed,
        "seconds": 10.0 - seed,
        "made_by": {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}},
    }


@pytest.fixture
def runs(tmp_path):
    accuracies = {"source": (0.5, 0.6), "dann": (0.7, 0.8), "target": (0.9, 1.0)}
    for method, values in accuracies.items():
        for seed, accuracy in enumerate(values):
            folder = tmp_path / "checkpoints" / f"{method}-seed{seed}"
            folder.mkdir(parents=True)
            (folder / "result.json").write_text(json.dumps(result(method, seed, accuracy)))
    return tmp_path


def test_finished_runs_become_a_table_beside_the_papers(runs):
    config = Config(
        collect=runs / "checkpoints", results=runs / "results", out=runs / "BENCHMARKS.md"
    )
    text = main(config)
    assert (runs / "BENCHMARKS.md").read_text() == text
    row = next(line for line in text.splitlines() if line.startswith("| DANN"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    # mean .75, deviation .0707; (.75 - .55) / (.95 - .55) = 50% of the gap
    measured = ["0.750 ± 0.071", "50.0%", "1.50 ± 0.00", "6,000", "0, 1", "10 s"]
    assert cells == ["DANN", *measured, "0.8149", "0.7666"]
    assert main(config) == text


def test_a_result_that_changed_is_not_replaced(runs):
    collect(runs / "checkpoints", runs / "results")
    changed = result("dann", 0, 0.99)
    (runs / "checkpoints" / "dann-seed0" / "result.json").write_text(json.dumps(changed))
    with pytest.raises(FileExistsError, match="remove the one that should not count"):
        collect(runs / "checkpoints", runs / "results")


def test_without_results_there_is_only_the_head(tmp_path):
    text = main(Config(results=tmp_path / "none", out=tmp_path / "BENCHMARKS.md"))
    assert text.startswith("# Benchmarks")
    assert "##" not in text
