"""The run of subspace alignment, which trains nothing by steps."""

import time
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import numpy as np

from jtransfer.data.splits import stratified_folds
from jtransfer.recipes.adaptation.judging import judged
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import settings_of
from jtransfer.recipes.adaptation.run import Run, said, started_from
from jtransfer.train.run_folder import RunFolder
from jtransfer.transfer.adaptation.aligned_svm import (
    AlignedSVM,
    fit_aligned_svm,
    fit_aligned_svm_by_oracle,
)
from jtransfer.transfer.adaptation.subspace import largest_dimension

ALIGNED = 2000  # images a domain for subspace alignment, whose time grows with their square
DIMENSIONS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # that the oracle tries
PENALTIES = tuple(4.0**power for power in range(-4, 3))  # values of C of their SVM


def aligned_run(
    problem: Problem, options: Options, conduct: Conduct, seed: int, source: Run
) -> Run:
    """Align the last hidden layers of the source-only run of the same seed, and train an SVM."""
    name = conduct.name("sa", seed)
    settings = settings_of(problem, options, conduct, "sa") | started_from(source) | {"seed": seed}
    folder = RunFolder(conduct.folder(name), settings)
    of_source, of_target = source.reader("source_hidden"), source.reader("target_hidden")
    source_sample, target_sample = (
        problem.sample(domain, ALIGNED) for domain in ("source", "target")
    )
    labels = source_sample.labels

    @cache
    def hidden() -> tuple[np.ndarray, np.ndarray]:
        return of_source(source_sample.images), of_target(target_sample.images)

    def how() -> dict[str, Any]:
        return {
            "classes": len(problem.source.classes),
            "penalties": PENALTIES,
            "folds": stratified_folds(labels, 2, seed=seed),
        }

    @cache
    def aligned() -> AlignedSVM:
        known, other = hidden()
        return fit_aligned_svm(known, labels, other, **how())

    def oracle() -> dict[str, Any]:
        """The dimension that the test's labels would choose, where there are some."""
        if not problem.judges:
            return {}
        known, other = hidden()
        test, right = of_target(problem.test.images), problem.test.labels
        tried = [d for d in DIMENSIONS if d <= largest_dimension(known, other)]
        found = fit_aligned_svm_by_oracle(
            known, labels, other, test, right, dimensions=tried, **how()
        )
        best = found.dimension
        return {"oracle": {"dimension": best, "target_accuracy": found.scores[best]}}

    def in_unit(features: jax.Array) -> np.ndarray:
        return np.asarray(features) / aligned().unit

    run = Run(
        folder.result() or {},
        [],
        lambda images: np.asarray(aligned().predict(of_target(images))),
        lambda images: in_unit(aligned().alignment.source(of_source(images))),
        lambda images: in_unit(aligned().alignment.target(of_target(images))),
    )
    if run.result:
        print(f"{name}: finished before{said(run.result)}")
        return run
    started = time.perf_counter()
    measured = judged(problem, run, seed)
    seconds = time.perf_counter() - started
    result = folder.write_result(
        {
            **settings,
            **measured,
            "chosen_by": aligned().chosen_by,
            "dimension": aligned().dimension,
            "C": aligned().C,
            **oracle(),
            "started_at_step": 0,
            "seconds": round(seconds, 1),
        }
    )
    chosen = "no alignment" if aligned().dimension is None else f"{aligned().dimension} dimensions"
    print(f"{name}: {chosen}{said(result)}")
    if "oracle" in result:
        best = result["oracle"]
        print(f"an oracle takes {best['dimension']}, {best['target_accuracy']:.4f}")
    return replace(run, result=result)
