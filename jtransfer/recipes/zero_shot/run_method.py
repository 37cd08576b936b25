"""A method on one problem: chosen, judged from every seed, drawn, and kept in a run's folder."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.measure import confusion_figure, mean_std
from jtransfer.measure.class_map import class_map_figure
from jtransfer.recipes.zero_shot.choice import choose
from jtransfer.recipes.zero_shot.judging import judge
from jtransfer.recipes.zero_shot.method import Fitted, Method
from jtransfer.recipes.zero_shot.problem import Problem
from jtransfer.train.run_folder import RunFolder


def run_method(
    problem: Problem,
    method: Method,
    path: Path | str,
    *,
    folds: int = 4,
    seeds: Sequence[int] = (0,),
    identity: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> dict[str, Any]:
    """Choose, judge and draw a method, or what an earlier call measured.

    Args:
      problem: the data.
      method: of `METHODS`, or an own one.
      path: the run's folder: `result.json`, `confusion.png` of the unseen classes, and `map.png`
        where features and signatures come to lie in one space.
      folds: of the seen classes, each in turn the validation classes.
      seeds: of the training; closed forms take the first alone.
      identity: written into config and result, beside what the problem and the method say; the
        method goes there by its title unless it has an entry "method".
      title: of what is printed and drawn; by default the method's.

    Returns:
      What `result.json` holds: the choice, and under "measured" what `judge` says from every seed.

    Raises:
      RunFolderError: if the folder holds a run with other settings.
    """
    title = title or method.title
    seeds = seeds if method.trained else seeds[:1]
    settings = {
        "method": method.title,
        **(identity or {}),
        "settings": list(method.settings),
        "folds": folds,
        "held_out": problem.held_out,
        "seeds": list(seeds),
        "problem": problem.fingerprint,
    }
    folder = RunFolder(path, settings)
    result = folder.result()
    if result is not None:
        print(f"{title}: finished before")
        return result
    began = time.perf_counter()
    choice = choose(problem, method, folds=folds)
    print(f"{title}: {choice['validation']:.3f} on validation classes by {choice['setting']}")
    judged = [judge(problem, method, choice, seed) for seed in seeds]
    runs = [run for run, *_ in judged]
    print(f"  {mean_std([run['accuracy'] for run in runs])} zero-shot", flush=True)
    _draw(problem, *judged[-1], folder.path, title)
    seconds = round(time.perf_counter() - began, 1)
    return folder.write_result({**settings, **choice, "measured": runs, "seconds": seconds})


def _draw(
    problem: Problem,
    run: dict[str, Any],
    fitted: Fitted,
    signatures: np.ndarray,
    folder: Path,
    title: str,
) -> None:
    names = [problem.classes[each] for each in problem.unseen]
    confusion_figure(run["confusion"], names, folder / "confusion.png", title=title)
    if fitted.embed is None:
        return
    images = problem.images_of(problem.unseen)
    class_map_figure(
        signatures[problem.unseen],
        np.asarray(fitted.embed(problem.features[images])),
        np.searchsorted(problem.unseen, problem.labels[images]),
        folder / "map.png",
        classes=names,
        title=f"{title}: unseen classes, and where their images are taken to be",
    )
