"""The tables of the speed of probes, features and ESZSL."""

from typing import Any

from experiments.headline import Headline
from experiments.throughput.rows import made_by, pipeline_rows, probe_size_rows
from jtransfer.measure import markdown_table
from jtransfer.recipes.features.layer_probe import HEADS

# What the objectives and predictions of a benchmark of probes were compared with.
COMPARED = {
    "default": "LogisticRegression at its default tolerance, by which it stops early",
    "converged": "LogisticRegression fitted once more to convergence for it",
}


def feature_extraction(results: list[dict[str, Any]]) -> str:
    """AlexNet's forward pass beside PyTorch's, and images a second with decoding."""
    parts = ["## Throughput: feature extraction"] if results else []
    for result in results:
        times, batch = result["forward"], result["batch"]
        ours = times["jtransfer"]["median_ms"]
        rows = [
            [
                name,
                f"{each['median_ms']:.0f}",
                f"{each['quartiles_ms'][0]:.0f}–{each['quartiles_ms'][1]:.0f}",
                f"{batch / each['median_ms'] * 1e3:,.1f}",
                f"{ours / each['median_ms']:.2f}",
            ]
            for name, each in times.items()
        ]
        parts.append(
            f"The whole AlexNet-2014 on {batch} images of 224x224x3, float32, the frameworks "
            "taking turns in processes of their own, medians of "
            f"{times['jtransfer']['rounds']}."
        )
        parts.append(
            markdown_table(
                ["forward", "median ms", "quartiles ms", "images/s", "jtransfer's time / this"],
                rows,
            )
        )
        if "images_per_second" in result:
            speeds = result["images_per_second"]
            parts.append(
                f"`{result['data']}` with {result['workers']} worker processes: "
                f"{speeds['decoded']:.1f} images/s decoded and cropped, "
                f"{speeds['decoded_and_net']:.1f} images/s decoded, cropped and put through the "
                "net."
            )
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def probe_solver(results: list[dict[str, Any]]) -> str:
    """Cross-validation of the whole grid beside scikit-learn's."""
    parts = ["## Throughput: choosing C by cross-validation"] if results else []
    for result in results:
        rows = []
        for kind, each in result["measured"].items():
            rival = each["scikit_learn"]
            worst = max(fit["our_objective_less_theirs"] for fit in rival)
            rows.append(
                [
                    HEADS[kind],
                    f"{each['seconds']:.1f} s",
                    f"{each['scikit_learn_seconds']:,.0f} s",
                    f"{each['ratio']:.1f}",
                    f"{each['peak_bytes'] / 2**30:.2f} GB" if "peak_bytes" in each else "",
                    f"{worst:+.1e}",
                    f"{min(fit['same_predictions'] for fit in rival):.2%}",
                ]
            )
        parts.append(
            f"{result['examples']:,} x {result['dims']:,} features ({result['features']}), "
            f"{result['classes']} classes, {len(result['penalties'])} values of C from "
            f"{result['penalties'][0]:g} to {result['penalties'][-1]:g} x {result['folds']} folds, "
            f"and the refit; ours in one process with compilation, {_runs(result)}. "
            "scikit-learn's LinearSVC and LogisticRegression are timed at some C of one fold "
            f"({_values(result)}) and taken to need as long for every other fit; they run one fit "
            "at a time. Our objective less theirs, relative, and the share of equal predictions "
            f"are the worst of these fits, {COMPARED[result.get('compared_with', 'default')]}. "
            "The peak memory is that of the process, features included."
        )
        parts.append(
            markdown_table(
                [
                    "whole job",
                    "jtransfer",
                    "scikit-learn",
                    "times faster",
                    "peak memory",
                    "objective less theirs",
                    "equal predictions",
                ],
                rows,
            )
        )
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def probe_size(results: list[dict[str, Any]]) -> str:
    """Cross-validation of the grid against the number of examples."""
    parts = ["## Throughput: choosing C of many examples"] if results else []
    for result in results:
        where = "in a file of float16, mapped into memory" if result["on_disk"] else "in memory"
        split = f"{result['folds']} folds" if result["folds"] > 1 else "one split"
        run = "run" if result["repeats"] == 1 else "run after another"
        parts.append(
            f"Drawn features of {result['dims']:,} dimensions {where}, {result['classes']} "
            f"classes, {len(result['penalties'])} values of C, {split}, and the refit; each size "
            f"in a process of its own, whose peak of memory is told, features included. One {run}. "
            "Time grows as the examples to the power of the exponent, by a line through the "
            "logarithms."
        )
        parts.append(markdown_table(*probe_size_rows(result)))
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def _runs(result: dict[str, Any]) -> str:
    runs = next(iter(result["measured"].values()))["runs"]
    return "one run" if len(runs) == 1 else "the mean of two runs"


def _values(result: dict[str, Any]) -> str:
    fits = next(iter(result["measured"].values()))["scikit_learn"]
    return ", ".join(f"{fit['C']:g}" for fit in fits)


def probe_headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """How many times faster than scikit-learn C is chosen."""
    return [
        Headline(
            f"C of {HEADS[kind]} chosen on {result['examples']:,} x {result['dims']:,} features",
            f"{each['seconds']:.1f} s, {each['ratio']:.0f} times as fast as scikit-learn",
        )
        for result in results
        for kind, each in result["measured"].items()
    ]


def eszsl_grid(results: list[dict[str, Any]]) -> str:
    """ESZSL's whole grid beside separate solves by NumPy."""
    parts = ["## Throughput: ESZSL's grid"] if results else []
    for result in results:
        ours, grid, points = result["seconds"], len(result["penalties"]) ** 2, len(result["points"])
        rows = [[f"jtransfer, all {grid} solutions", f"{ours:.2f} s", "1.0"]]
        for name, key in (
            ("separate solves", "numpy_separate_seconds"),
            ("solves that share X X^T", "numpy_shared_seconds"),
        ):
            rows.append(
                [f"NumPy, {points} {name}", f"{result[key]:.2f} s", f"{result[key] / ours:.1f}"]
            )
        parts.append(
            f"{result['examples']:,} images x {result['dims']:,} features ({result['data']}), "
            f"{result['classes']} classes, {result['attributes']} attributes. Ours: two "
            "eigendecompositions in float64, products in float32, with compilation, the mean of "
            f"two runs. NumPy {result['made_by']['versions']['numpy']}: numpy.linalg.solve in "
            "float64, each solve from the data, or all with "
            "the products of the data computed once. The weights of the points that both solved "
            f"differ by {result['worst_difference']:.1e} of the largest weight at most."
        )
        parts.append(markdown_table(["solutions", "time", "times ours"], rows))
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def input_pipeline(results: list[dict[str, Any]]) -> str:
    """Images a second of the stream of files, of the step, and of both together."""
    parts = ["## Throughput: the input pipeline"] if results else []
    for result in results:
        parts.append(
            f"Files of `{result['data']}` read, decoded and cropped while a fine-tune step of "
            f"{result['net']} computes: batches of {result['batch']} at {result['size']} pixels, "
            f"float32, {result['steps']} steps. The device waits for what both together take "
            "longer than the steps alone; where it is the CPU, decoding takes cores from the step."
        )
        parts.append(
            markdown_table(
                ["decoded by", "pipeline images/s", "step images/s", "together", "device waits"],
                pipeline_rows(result),
            )
        )
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""
