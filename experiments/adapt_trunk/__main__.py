"""Methods of adaptation on a pretrained trunk, on photographs, paintings and drawings.

EfficientNet-Lite0 at 128 pixels between the domains of PACS. The first stages stay as they were
published, and what they give is taken once and cached; above, the trunk moves at a tenth of the
rate of the new heads.

    python -m experiments.adapt_trunk --development --pairs photo:art_painting
    python -m experiments.adapt_trunk

The first decided which three methods the second runs, and the default of `jtransfer adapt --train`;
no label of the four pairs' targets did. A hundred steps of 32 + 32 images through block7 and what
is above it are 15 seconds of one core. `--frozen 6` moves block6 too, at four times the cost.

The data root holds PACS/{photo,art_painting,cartoon,sketch}/<class>/. A fifth of the target judges
and a fifth of the source is held out, at random and the same in every run. A finished cell is not
run again; an interrupted one goes on from its last checkpoint.
"""

from experiments.adapt_trunk.config import BEST, PACS, PACS_DEVELOPMENT, PAIRS, TRIED, Config
from experiments.adapt_trunk.table import console
from experiments.command import run_command
from jtransfer.data.feeds.file_examples import FileExamples
from jtransfer.data.loading import load_files
from jtransfer.nets.weights.pretrained_net import pretrained
from jtransfer.recipes.adaptation.frozen_outputs import FrozenOutputs, frozen_outputs
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.recipes.adaptation.run_methods import run_methods
from jtransfer.recipes.preprocessing import crop_of
from jtransfer.train.runtime import prepare_process


def asked(config: Config) -> tuple[tuple[str, str], ...]:
    """The pairs of a call.

    Raises:
      ValueError: if one is not `source:target` of two domains.
    """
    if not config.pairs:
        return PACS_DEVELOPMENT if config.development else PAIRS
    pairs = []
    for text in config.pairs:
        source, _, target = text.partition(":")
        if not {source, target} <= set(PACS) or source == target:
            raise ValueError(
                f"pair {text!r}; expected source:target, two of {', '.join(PACS)}, such as "
                "photo:sketch"
            )
        pairs.append((source, target))
    return tuple(pairs)


def trunk_of(config: Config) -> PublishedTrunk:
    """The trunk, batch norm with statistics of each domain."""
    loaded = pretrained(config.net, size=config.size, num_domains=2, frozen_statistics=False)
    return PublishedTrunk(loaded, rate=0.1, frozen=config.frozen)


def domain(name: str, trunk: PublishedTrunk, config: Config) -> FrozenOutputs:
    """A domain of PACS, sent through the frozen stages."""
    files = load_files(f"folder:PACS/{name}", data_root=config.data_root)
    examples = FileExamples(files, crop_of(trunk.loaded.preprocessing), workers=config.workers)
    return frozen_outputs(examples, trunk, cache_folder=config.cache)


def main(config: Config) -> list[dict]:
    """Run the cells of a call and print their table."""
    prepare_process()
    trunk, results = trunk_of(config), []
    methods = config.methods or (TRIED if config.development else ("source", *BEST, "target"))
    for source, target in asked(config):
        print(f"{source} → {target}: {trunk.loaded.name} at {config.size} pixels")
        problem = Problem.between(*(domain(name, trunk, config) for name in (source, target)))
        runs = run_methods(
            problem,
            methods,
            options=Options(
                trunk=trunk.above_frozen, batch=config.batch, learning_rate=config.rate
            ),
            conduct=Conduct(
                out=config.out,
                steps=config.steps,
                evaluate_every=config.steps,
                checkpoint_every=100,
                prefix=f"{source}-{target}-frozen{config.frozen}-",
                identity={
                    "experiment": "adapt_trunk",
                    "pair": [source, target],
                    "net": config.net,
                    "size": config.size,
                },
            ),
            seeds=config.seeds,
        )
        results += [runs[method, seed].result for method in methods for seed in config.seeds]
        print(f"\n{console(results)}\n", flush=True)
    print(f"results: {config.out}/*/result.json")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
