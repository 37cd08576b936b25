"""A pair of the table as a problem, with the options and the conduct of a call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from experiments.adapt_digits.config import Config, MethodName
from experiments.adapt_digits.pairs import NETS, PAIRS, Pair
from jtransfer.data import images, load
from jtransfer.recipes.adaptation.options import NORMED, Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem

# What --net adds to the paper's: nothing, or batch norm per domain and dropout;
# "augmented" is that on images that are standardised one by one and changed at random.
_ADDED: Mapping[str, Mapping[str, Any]] = {"paper": {}, "normed": NORMED, "augmented": NORMED}


def problem_of(pair: Pair, data_root: Path | None, *, seed: int = 0) -> Problem:
    """Load a pair and fit its images to one size.

    Args:
      pair: what to load.
      data_root: where files are looked for.
      seed: of what is drawn, and of the choice where not all training images are used.

    Raises:
      DataError: if a domain is missing, or the two do not agree.
    """
    return Problem(
        *(
            images.fit(examples, size=pair.size, channels=pair.channels)
            for examples in (
                load(pair.source, "train", data_root=data_root, size=pair.source_size, seed=seed),
                load(pair.target, "train", data_root=data_root, size=pair.target_size, seed=seed),
                load(pair.target_test, "test", data_root=data_root),
                load(pair.source, "test", data_root=data_root),
            )
        )
    )


def options_of(config: Config) -> Options:
    """How nets are trained for the pair of a call."""
    pair = PAIRS[config.pair]
    added = dict(_ADDED[config.net])
    narrow = config.preset == "small" and config.layers == pair.net
    small = pair.small_width if narrow else None
    width = small if config.width is None else config.width
    if width is not None:
        added["width"] = width
    return Options(
        net=NETS[config.layers],
        net_options=added,
        augmented=config.net == "augmented",
        learning_rate=config.rate or pair.rate,
        annealed=pair.annealed or config.net != "paper",
        momentum=config.momentum,
        gamma=config.gamma,
        like_frequencies=pair.like_frequencies,
        judged=pair.judged,
        batch=config.batch,
    )


def conduct_of(config: Config) -> Conduct:
    """How the runs of a call are conducted."""
    return Conduct(
        out=config.out,
        steps_of_method={method: config.steps_of(method) for method in get_args(MethodName)},
        evaluate_every=config.evaluate_every,
        checkpoint_every=config.checkpoint_every,
        parallel=config.parallel,
        profile=config.profile,
        prefix=f"{config.title}-",
        identity={
            "experiment": "adapt_digits",
            **{key: getattr(config, key) for key in ("pair", "net", "preset")},
        },
    )
