"""Methods from seeds on one problem, with the source-only runs that some start from."""

from collections.abc import Sequence
from itertools import product

from jtransfer.recipes.adaptation.aligned import aligned_run
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import Program, build
from jtransfer.recipes.adaptation.run import Run
from jtransfer.recipes.adaptation.together import train_together
from jtransfer.recipes.adaptation.training import trained
from jtransfer.train.counted import counted

Runs = dict[tuple[str, int], Run]


def run_methods(
    problem: Problem,
    methods: Sequence[str],
    *,
    options: Options | None = None,
    conduct: Conduct | None = None,
    seeds: Sequence[int] = (0,),
    together: bool = False,
) -> Runs:
    """Run every method from every seed; what is finished is not run again, the rest goes on.

    Args:
      problem: the data.
      methods: keys of `METHODS`: source, sa, dann, weighted, adda, translation, teacher, coral,
        dan, jan, deepjdot, afn, mcc, mdd, cdan, cdan_e, self_training, shot, tent, target.
      options: how nets are trained for it; by default the MNIST net with batch norm per domain.
      conduct: steps, and where the runs leave what they have.
      seeds: of initial parameters, order of the examples and dropout.
      together: whether the seeds of a method train in one program.

    Returns:
      {(method, seed): Run}, the source-only runs that others start from among them.

    Raises:
      ValueError: if a method is unknown.
      RunFolderError: if a run's folder holds a run with other settings.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise ValueError(f"unknown method {unknown[0]!r}; expected one of {', '.join(METHODS)}")
    options, conduct = options or Options(), conduct or Conduct()
    runs: Runs = {}
    programs: dict[str, Program] = {}

    def program(method: str) -> Program:
        if method not in programs:
            programs[method] = build(problem, options, conduct, method)
        return programs[method]

    def source_of(method: str, seed: int) -> Run | None:
        return run("source", seed) if METHODS[method].from_source else None

    def run(method: str, seed: int) -> Run:
        if (method, seed) not in runs:
            source = source_of(method, seed)
            if method == "sa" and source is not None:
                runs[method, seed] = aligned_run(problem, options, conduct, seed, source)
            else:
                runs[method, seed] = trained(
                    problem, options, conduct, program(method), seed, source
                )
        return runs[method, seed]

    def run_together(method: str) -> None:
        if METHODS[method].from_source:
            run_together("source")
        if METHODS[method].recipe is not None:
            sources = {seed: source_of(method, seed) for seed in seeds}
            train_together(problem, options, conduct, program(method), sources)

    if together:
        for method in counted(methods, "methods"):
            run_together(method)
    for method, seed in counted([*product(methods, seeds)], "runs"):
        run(method, seed)
    return runs
