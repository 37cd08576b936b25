"""Adaptation on frozen features, and the choice without a label: does it gain, does it harm?

Over 30 pairs of domains all methods of `fit_feature_methods` are fitted to a few hundred images of
each, on one layer of a frozen EfficientNet-Lite0; one is chosen without a label of the target,
source only always among them; then, and not before, the target's labels judge all of them. Six
pairs are development pairs, on which the layer, the methods' settings and the rule of the choice
were decided; the others were run once, with what was decided (and once before, with a choice that
was decided anew since). Goals: on none of them the choice ends more than a point below source only,
and it is at most two points from the best candidate.

    python -m experiments.no_harm --development
    python -m experiments.no_harm
    python -m experiments.no_harm --pairs photo:sketch --seeds 0

The data root holds PACS/{photo,art_painting,cartoon,sketch}/<class>/, and what
`experiments.adapt_digits` needs. SVHN is the first 10,000 images of its test set, split by the
house's photograph into 7,016 to train and 2,984 to test (`tiles:svhn10k`), a reduced protocol.
Features are extracted once and cached; after that a cell takes seconds. On cores that others use
too, OMP_NUM_THREADS=1 makes k-means some ten times as fast. A finished cell is not run again.
"""

from typing import Any

from experiments.command import run_command
from experiments.no_harm.cell import Pair, load_pair, measure
from experiments.no_harm.config import Config
from experiments.no_harm.pairs import DOMAINS, PAIRS
from experiments.no_harm.table import console
from jtransfer.recipes.adaptation.development import DEVELOPMENT
from jtransfer.recipes.features.once import once
from jtransfer.recipes.own_folder.frozen_trunk import load_trunk
from jtransfer.train.counted import counted
from jtransfer.train.runtime import prepare_process


def asked(config: Config) -> tuple[tuple[str, str], ...]:
    """The pairs of a call.

    Raises:
      ValueError: if one is not `source:target` of two domains.
    """
    if not config.pairs:
        return DEVELOPMENT if config.development else PAIRS
    pairs = []
    for text in config.pairs:
        source, _, target = text.partition(":")
        if not {source, target} <= DOMAINS.keys() or source == target:
            raise ValueError(
                f"pair {text!r}; expected source:target, two of {', '.join(DOMAINS)}, such as "
                "photo:sketch"
            )
        pairs.append((source, target))
    return tuple(pairs)


def run_cell(names: tuple[str, str], pair: Pair, seed: int, config: Config) -> dict[str, Any]:
    """A pair and seed, or what an earlier call measured."""
    keys = ("net", "layer", "photographs", "small", "source", "target", "test")
    parts = {"source": pair.source, "target": pair.target, "test": pair.test}
    settings = {
        "experiment": "no_harm",
        "pair": list(names),
        "seed": seed,
        "most": {key: getattr(config, key) for key in keys[4:]},
        **{key: getattr(config, key) for key in keys[:4]},
        "features": {name: rows.key for name, rows in parts.items() if rows is not None},
    }
    folder = config.out / f"{'-'.join(names)}-{config.layer}-{config.source}-seed{seed}"
    return once(folder, settings, lambda: measure(pair, seed=seed, config=config))


def main(config: Config) -> list[dict[str, Any]]:
    """Run the cells of a call and print their table."""
    prepare_process()
    trunk, results = load_trunk(config.net), []
    pairs = asked(config)
    print(f"{len(pairs)} pairs, {len(config.seeds)} seeds; {config.net}, {config.layer}, frozen")
    for number, names in enumerate(counted(pairs, "pairs"), start=1):
        pair = load_pair(*names, trunk, config)
        for seed in config.seeds:
            results.append(cell := run_cell(names, pair, seed, config))
            accuracy = cell["accuracy"]
            print(
                f"{' → '.join(names)}, seed {seed} ({number} of {len(pairs)}): "
                f"{cell['chosen']} {accuracy[cell['chosen']]:.3f}, "
                f"source only {accuracy['source']:.3f}, best {max(accuracy.values()):.3f}, "
                f"{cell['seconds']} s",
                flush=True,
            )
    print(f"\n{console(results)}\n\nresults: {config.out}/*/result.json")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
