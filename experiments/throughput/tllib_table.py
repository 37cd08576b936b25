"""The table of jtransfer beside TLlib."""

from collections.abc import Sequence
from typing import Any

from experiments.headline import Headline
from experiments.wording import made_by
from jtransfer.measure import console_table, markdown_table, mean_std

Results = Sequence[dict[str, Any]]
ORDER = ("USPS → MNIST", "photo → art_painting, features")

_HEADER = (
    "task",
    "method",
    "library",
    "accuracy",
    "ms a step",
    "of the processor",
    "lines of user code",
)


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row for each library."""
    return [
        [
            result["task"],
            result["method"],
            name,
            *(
                mean_std([each[key] for each in turns], digits=digits)
                for key, digits in (
                    ("accuracy", 3),
                    ("milliseconds", 1),
                    ("processor_milliseconds", 1),
                )
            ),
            str(result["lines"][name]),
        ]
        for name, turns in result["measured"].items()
    ]


def table(results: Results) -> str:
    """For the terminal."""
    return console_table(_HEADER, [row for each in results for row in rows(each)])


def in_order(results: Results) -> Results:
    """Digits first, DANN before CDAN."""
    return sorted(results, key=lambda each: (ORDER.index(each["task"]), each["method"] != "DANN"))


def beside_tllib(results: Results) -> str:
    """The page's section."""
    if not results:
        return ""
    first = results[0]
    return (
        "\n\n".join(
            [
                "## Beside TLlib",
                "DANN and CDAN by jtransfer, and by TLlib (Transfer-Learning-Library) with PyTorch "
                f"{first['torch']} on the same machine, in turns in one process: the same nets and "
                "initial parameters but for the discriminators', which each draws, "
                f"{first['steps']:,} steps of {first['batch']} + {first['batch']} examples, SGD "
                f"{first['rate']} / (1 + 10 p)^.75 with momentum 0.9, lambda 2 / (1 + exp(-10 p)) "
                "- 1. USPS → MNIST is Ganin's net for MNIST on the images; the photographs' are "
                "features of a frozen EfficientNet-Lite0 at 128 pixels (block7, averaged over the "
                "pixels) under one hidden layer of 256, half of the paintings adapted to and the "
                f"others judging. Seeds {', '.join(map(str, first['seeds']))}; the first "
                f"{first['warm']} steps are not timed. Lines are the logical ones of a training "
                "function for both methods, from arrays to guesses.",
                markdown_table(_HEADER, [row for each in in_order(results) for row in rows(each)]),
                made_by(list(results)),
            ]
        )
        + "\n"
    )


def headlines(results: Results) -> list[Headline]:
    """Accuracy and time of DANN on digits by both."""
    return [
        Headline(
            f"{each['method']}, {each['task']}, {each['steps']:,} steps: accuracy, processor "
            "milliseconds a step",
            _said(each["measured"]["jtransfer"]),
            f"{_said(each['measured']['TLlib'])} (TLlib)",
        )
        for each in in_order(results)
        if (each["task"], each["method"]) == (ORDER[0], "DANN")
    ]


def _said(turns: list[dict[str, float]]) -> str:
    accuracy = mean_std([each["accuracy"] for each in turns])
    processor = mean_std([each["processor_milliseconds"] for each in turns], digits=1)
    return f"{accuracy}, {processor}"
