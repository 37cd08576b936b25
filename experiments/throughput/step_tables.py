"""The tables of the steps: their speed, an epoch, and cost against size."""

from pathlib import Path
from typing import Any

from experiments.headline import Headline
from experiments.throughput.pytorch import KEEPING, PYTORCH
from experiments.throughput.rows import (
    TITLES,
    first_step_rows,
    made_by,
    operation_row,
    together_rows,
)
from experiments.throughput.timed_steps import TIMED
from jtransfer.measure import markdown_table


def timed_steps(results: list[dict[str, Any]]) -> str:
    """The speed of every step, its share of the peak, and PyTorch's beside it."""
    parts = ["## Throughput: the compiled steps"] if results else []
    for result in results:
        steps, peak = result["steps"].values(), result["peak"]
        rows, rivals = [], []
        for step in steps:
            ours, ratio = step["times"]["jtransfer"], step["ratio"]
            by_hand = ours["gigaflop_by_hand"]
            rows.append(
                [
                    f"{step['title']}: {step['size']}",
                    f"{ours['compile_seconds']:.1f}",
                    f"{ours['median_ms']:.1f}",
                    f"{step['steps_a_second']:.2f}",
                    f"{step['examples_a_second']:,.0f}",
                    f"{by_hand:.2f}" if by_hand else f"({ours['gigaflop_by_xla']:.2f})",
                    f"{step['gigaflop_a_second']:.1f}",
                    f"{step['share_of_peak']:.0%}",
                    f"{ours['peak_megabytes']:,.0f}",
                ]
            )
            if ratio:
                cells = [f"{step['title']}: {step['size']}", _times(ours)]
                for who in (PYTORCH, KEEPING):
                    cells += [_times(step["times"][who]), f"{ratio[who]:.2f}"]
                rivals.append(cells)
        parts.append(
            "Whole steps on random examples in memory, float32, from gathering the batch to the "
            "optimizer; forward passes where it is said. Compiled without a cache; medians of up "
            f"to {max(step['times']['jtransfer']['rounds'] for step in steps)} steps. GFLOP are "
            "counted by hand, or, in parentheses, by XLA on the plain formulation; the peak of "
            f"{peak['gigaflop_a_second']:.0f} GFLOP/s is that of a product of two matrices of "
            f"{peak['side']:,} x {peak['side']:,}. Memory is what the program needs at most: "
            "arguments (the resident examples too), results and what lies between."
        )
        header = ["step", "compile s", "ms", "steps/s", "examples/s"]
        header += ["GFLOP", "GFLOP/s", "of peak", "MB"]
        parts.append(markdown_table(header, rows))
        if rivals:
            parts.append(
                "The same in PyTorch, the frameworks taking turns in processes of their own, step "
                "by step; quartiles in parentheses. The ratios are jtransfer's time / PyTorch's, "
                "as it comes and with the memory allocator set to keep freed memory."
            )
            header = ["step", "jtransfer ms", "PyTorch ms", "ratio", "keeping memory ms", "ratio"]
            parts.append(markdown_table(header, rivals))
        if "loop" in result:
            loop = result["loop"]
            parts.append(
                f"{loop['steps']:,} DANN steps of the MNIST net through `fit` take "
                f"{loop['fit_seconds']:.1f} s, bare {loop['bare_seconds']:.1f} s: "
                f"{loop['ratio']:.3f} times."
            )
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """Every step's time beside PyTorch's, of the newest measurement."""
    if not results:
        return []
    newest = max(results, key=lambda each: each["date"])
    return [
        Headline(
            f"a step of {step['title']}, {step['size']}",
            f"{step['times']['jtransfer']['median_ms']:.1f} ms, {step['ratio'][KEEPING]:.2f} of "
            "PyTorch's with kept memory",
        )
        for step in newest["steps"].values()
        if step["ratio"]
    ]


def _times(each: dict[str, Any]) -> str:
    low, high = each["quartiles_ms"]
    return f"{each['median_ms']:.1f} ({low:.1f}–{high:.1f})"


def operations(results: list[dict[str, Any]]) -> str:
    """Every operation of the steps by itself, beside XLA's own and PyTorch's."""
    parts = ["## Throughput: the operations of the steps"] if results else []
    for result in results:
        parts.append(
            "Layers of the steps above one by one, milliseconds; medians, all taking turns. *XLA's "
            "own* is its operation where jtransfer's nets compute another formulation of the layer "
            "(products of matrices, Winograd's, sums of shifted images, maxima of slices). PyTorch "
            "keeps freed memory, as in the last column above. What makes the difference: PyTorch "
            "calls kernels written by hand for each kind of layer (oneDNN), which read windows of "
            "images from the cache; XLA on CPU has a fast product of matrices and compiles loops, "
            "so that every convolution must first be laid out in memory as matrices. The fewer "
            "channels, the more of its time that takes: most in the first layers, least in wide "
            "ones. XLA wins some of it back in fully connected layers and, in whole steps, between "
            "the layers, where it fuses element-wise work. Of a transformer the layer norm and its "
            "gradients take several times as long, attention, whose scores are written to memory "
            "here and not by PyTorch's kernel, half as long again, and products a fifth."
        )
        for name, rows in result["nets"].items():
            parts.append(f"### {TIMED[name].title}")
            header = ["layer", "part", "GFLOP", "jtransfer", "XLA's own", "PyTorch", "ratio"]
            parts.append(markdown_table(header, [operation_row(each) for each in rows]))
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def first_step(results: list[dict[str, Any]]) -> str:
    """From the command to the first step, where programs are compiled and where they are kept."""
    parts = ["## Throughput: time to the first step"] if results else []
    for result in results:
        parts.append(
            "A DANN run on LeNet, MNIST → USPS, a new process each time: from the command over "
            "imports, data, the net's variables and the compilation of the step until it has been "
            "taken once. Cold with an empty compilation cache, warm with that of the run before, "
            f"in turns; medians of {result['repeats']}."
        )
        parts.append(markdown_table(*first_step_rows(result)))
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def together(results: list[dict[str, Any]]) -> str:
    """Several runs in one program against as many programs."""
    parts = ["## Throughput: many runs in one program"] if results else []
    for result in results:
        parts.append(
            f"A step of {result['runs']} runs in one program (`--together`) beside a step of each "
            "in turn, milliseconds; medians. A ratio below 1 is what the one program saves. Mapped "
            "over runs, a convolution has a kernel for every run, for which XLA's CPU backend has "
            "no fast product: on CPU, runs of convolution nets are better trained one by one, and "
            "small nets of matrix products together."
        )
        header = ["step", "one by one", "together", "ratio"]
        parts.append(markdown_table(header, together_rows(result["steps"])))
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def epoch(results: list[dict[str, Any]]) -> str:
    """An epoch of MNIST to MNIST-M, from files to the last step."""
    parts = ["## Throughput: an epoch from the files on disk"] if results else []
    for result in sorted(results, key=lambda each: -each["images"]):
        steps = result["images"] // result["batch"]
        rows = [
            [
                name,
                f"{each['median_ms'] / 1e3:.1f}",
                "–".join(f"{quartile / 1e3:.1f}" for quartile in each["quartiles_ms"]),
                f"{steps / each['median_ms'] * 1e3:.1f}",
            ]
            for name, each in result["epoch"].items()
        ]
        rounds = result["epoch"]["jtransfer"]["rounds"]
        parts.append(
            f"MNIST → MNIST-M by DANN on the MNIST net: {result['images']:,} images of each "
            f"domain, {steps:,} steps of {result['batch']} + {result['batch']}, from reading "
            "MNIST's files and BSDS500's photographs and blending MNIST-M to the last step; in "
            "PyTorch a Dataset that turns one image at a time into centred floats, and a "
            f"DataLoader with {result['workers']} worker processes, for each domain. In turns, "
            f"medians of {rounds} after one that is not timed."
        )
        header = ["an epoch", "median s", "quartiles s", "steps/s, all told"]
        parts.append(markdown_table(header, rows))
        if result["times_faster"] is not None:
            parts.append(f"jtransfer is {result['times_faster']:.2f} times as fast as PyTorch.")
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""


def cost_against_size(results: list[dict[str, Any]]) -> str:
    """Time against size, and the exponents."""
    parts = ["## Throughput: time against size"] if results else []
    for result in results:
        rows = [
            [
                TITLES[name],
                ", ".join(f"{size:,}" for size in sizes),
                ", ".join(f"{1e3 * each:,.0f}" for each in result["seconds"][name]),
                f"{result['exponents'][name]:.2f}",
            ]
            for name, sizes in result["sizes"].items()
        ]
        probe = result["probe"]
        parts.append(
            "The DANN step of the MNIST net, and the SVM with C chosen on 5 folds, of "
            f"{probe['examples']:,} examples, {probe['dims']:,} dimensions, {probe['classes']} "
            f"classes and {probe['penalties']} values of C, one of which is changed at a time. "
            f"Compiled; medians of {result['repeats']}. Time grows as the size to the power of the "
            "exponent, by a line through the logarithms."
        )
        parts.append(markdown_table(["of", "sizes", "milliseconds", "exponent"], rows))
        parts.append(f"![Time against size](../{Path(result['picture']).name})")
        parts.append(made_by(result))
    return "\n\n".join(parts) + "\n" if parts else ""
