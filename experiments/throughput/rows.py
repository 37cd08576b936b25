"""Rows of the tables, alike where a command prints them and on the page."""

from typing import Any

from experiments.throughput.pytorch import KEEPING

JTRANSFER, XLA = "jtransfer", "XLA's own"

# Of time against size: what is changed, in words.
TITLES = {
    "batch": "DANN step: images of each domain",
    "examples": "probe: examples",
    "dims": "probe: dimensions",
    "classes": "probe: classes",
    "penalties": "probe: values of C",
}


def operation_row(operation: dict[str, Any]) -> list[str]:
    """Of an operation of a layer; times in milliseconds."""
    times = {who: each["median_ms"] for who, each in operation["times"].items()}
    cells = [operation["layer"], operation["part"]]
    cells.append(f"{operation['gigaflop']:.2f}" if operation["gigaflop"] else "")
    cells += [f"{times[who]:.2f}" if who in times else "" for who in (JTRANSFER, XLA, KEEPING)]
    cells.append(f"{times[JTRANSFER] / times[KEEPING]:.2f}" if KEEPING in times else "")
    return cells


def first_step_rows(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the time to the first step, one a stage; seconds."""
    cold, warm = (result["stages"][how] for how in ("cold", "warm"))
    header = ["up to the first step", "cold s", "warm s", "cold, processor s", "warm, processor s"]
    rows = [
        [stage, *(f"{each[stage][kind]:.2f}" for kind in (0, 1) for each in (cold, warm))]
        for stage in cold
    ]
    return header, rows


def probe_size_rows(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the choice of C against the number of examples, one a size and kind."""
    header = ["examples", "classifier", "seconds", "excess", "peak memory", "exponent of time"]
    rows = [
        [
            f"{examples:,}",
            kind,
            f"{each['seconds']:.1f}",
            f"{each['excess']:.1e}",
            f"{each['peak_bytes'] / 2**30:.2f} GB",
            f"{result['exponents'][kind]:.2f}" if kind in result["exponents"] else "",
        ]
        for kind, sizes in result["measured"].items()
        for examples, each in zip(result["examples"], sizes, strict=True)
    ]
    return header, rows


def together_rows(steps: dict[str, Any]) -> list[list[str]]:
    """One for each step of several runs in one program."""
    return [
        [
            f"{each['title']}: {each['size']}",
            *(f"{each['times'][how]['median_ms']:.1f}" for how in ("one by one", "together")),
            f"{each['ratio']:.2f}",
        ]
        for each in steps.values()
    ]


def pipeline_rows(result: dict[str, Any]) -> list[list[str]]:
    """One for each number of workers of the input pipeline."""
    return [
        [
            f"{row['workers']} workers" if row["workers"] else "a thread",
            f"{row['pipeline']:,.1f}",
            f"{result['step_alone']:,.1f}",
            f"{row['together']:,.1f}",
            f"{row['waiting']:.0%}",
        ]
        for row in result["rows"]
    ]


def made_by(result: dict[str, Any]) -> str:
    """Device, versions and date of a result, as a sentence."""
    versions = result["made_by"]["versions"]
    named = ", ".join(
        f"{name} {versions[name]}"
        for name in ("jax", "flax", "torch", "scikit-learn")
        if name in versions
    )
    return f"{result['made_by']['device']}; {named}; {result['date']}."
