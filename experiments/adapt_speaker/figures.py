"""The figure of a call: accuracy against the number of utterances."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.adapt_speaker.config import Config
from experiments.adapt_speaker.table import NAMES
from jtransfer.measure.bands import bands_figure


def figure(config: Config, result: dict[str, Any]) -> Path:
    """Draw accuracy against the number of utterances, all methods starting from none.

    Speakers differ more than methods do: each value is a draw's mean over the speakers.
    """
    path = config.out / f"{config.shown}.png"

    def by_draw(values: list[float]) -> list[float]:
        return np.reshape(values, (-1, config.draws)).mean(axis=0).tolist()

    none = by_draw(result["accuracies"]["none"]["0"])
    bands_figure(
        {
            NAMES[method]: {"0": none} | {each: by_draw(values) for each, values in by_each.items()}
            for method, by_each in result["accuracies"].items()
            if method != "none"
        },
        path,
        places=["0", *map(str, config.each)],
        xlabel="utterances of each class of the new speaker",
        ylabel="accuracy, mean over speakers ± deviation over draws",
        title=f"{config.data}: adaptation to each of {len(result['speakers'])} speakers",
    )
    return path
