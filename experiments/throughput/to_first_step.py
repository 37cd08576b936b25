"""A process that goes to the first step of a DANN run on LeNet and tells when it was where.

What `first_step` starts. Imports are part of the time: what is slow to import is where it is used.
"""

import json
import sys
import time

from jtransfer.commands.errors import ending_in_words


def main(started: float, data_root: str) -> None:
    """Print what took how long as JSON: {stage: [seconds, seconds of processor time]}."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    reached, stages = (started, 0.0), {}

    def at(stage: str) -> None:
        nonlocal reached
        now = time.time(), time.process_time()
        stages[stage] = [now[0] - reached[0], now[1] - reached[1]]
        reached = now

    import jax

    from jtransfer.data import images, load
    from jtransfer.nets.lenet import lenet
    from jtransfer.recipes.adaptation.options import Conduct, Options
    from jtransfer.recipes.adaptation.problem import Problem
    from jtransfer.recipes.adaptation.program import build, feed_of
    from jtransfer.recipes.adaptation.training import first_state
    from jtransfer.train.runtime import prepare_process

    prepare_process()
    at("imports")
    root = Path(data_root) if data_root else None
    source, target = (
        images.fit(load(name, "train", data_root=root, size=size), size=28, channels=1)
        for name, size in (("idx:mnist", 2000), ("npz:usps", 1800))
    )
    problem = Problem(source, target, target, source)
    at("data")
    options = Options(net=lenet, net_options={})
    with TemporaryDirectory() as folder:
        program = build(problem, options, Conduct(out=folder), "dann")
        state = first_state(problem, program, 0, None)
        jax.block_until_ready(state.params)
        at("net and state")
        with feed_of(problem, options, "dann", program.recipe, seed=0) as feed:
            jax.block_until_ready(program.step(state, feed.constants, feed.inputs(0)))
        at("first step")
    print(json.dumps(stages))


if __name__ == "__main__":
    with ending_in_words((), status=1):
        main(float(sys.argv[1]), sys.argv[2])
