"""FCN-32s, from it 16s, from it 8s, and 8s from scratch: each trained once, judged on test."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jtransfer.data.masks import MaskedImages
from jtransfer.nets.fcn import FCN
from jtransfer.recipes.segmentation.nets import Base
from jtransfer.recipes.segmentation.problem import Problem
from jtransfer.recipes.segmentation.training import Judge, Options, best_of, train_stage
from jtransfer.train.counted import counted
from jtransfer.train.run_folder import RunFolder
from jtransfer.transfer.dense_prediction.pixel_loss import from_coarser

Row = Literal["32s", "16s", "8s", "8s_scratch"]
STAGES: dict[Row, int] = {"32s": 1, "16s": 2, "8s": 3, "8s_scratch": 3}
_BEFORE: dict[Row, Row] = {"16s": "32s", "8s": "16s"}


@dataclass(frozen=True)
class Conduct:
    """Where runs leave what they have.

    Attributes:
      out: the folder of the runs, one folder each.
      prefix: before the names of the runs' folders.
      identity: written into config and result, beside what these themselves say.
    """

    out: Path = Path("checkpoints/segment")
    prefix: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)


def segment(
    problem: Problem,
    base: Base,
    rows: Sequence[Row] = ("32s", "16s", "8s"),
    *,
    options: Options | None = None,
    conduct: Conduct | None = None,
    seeds: Sequence[int] = (0,),
) -> list[dict[str, Any]]:
    """Train fully convolutional nets of a trunk and judge each on the test set, once.

    As in the paper a finer net starts from the coarser one (section 4.2), so that 8s needs 32s and
    16s of the same seed: they are trained too, unless they were. What was interrupted goes on. A
    net from scratch takes as many steps as the three stages together.

    Args:
      problem: the data.
      base: the trunk and its published weights.
      rows: which nets.
      options: how a stage is trained.
      conduct: where the runs leave what they have.
      seeds: of what is newly drawn, of the order and of the random changes.

    Returns:
      The results of the rows, seed by seed.

    Raises:
      RunFolderError: if a run's folder holds a run with other settings, data or weights.
    """
    options, conduct = options or Options(), conduct or Conduct()
    return [
        _row(problem, base, row, options, conduct, seed)[0]
        for seed, row in counted([*product(seeds, rows)], "nets")
    ]


def guesses_of(
    problem: Problem,
    base: Base,
    result: Mapping[str, Any],
    options: Options,
    conduct: Conduct,
    masked: MaskedImages,
) -> tuple[np.ndarray, Path]:
    """What a finished run guesses for images, and the folder of the run.

    Args:
      problem: it was trained on.
      base: as it was trained.
      result: of the run.
      options: as it was trained.
      conduct: as it was trained.
      masked: the images.

    Returns:
      Classes [n, height, width] uint8, and the folder.
    """
    row: Row = result["row"]
    scratch, seed = row == "8s_scratch", result["seed"]
    options = _options_of(row, options)
    net = base.net(len(problem.classes), STAGES[row], scratch=scratch)
    folder = conduct.out / _name(base, row, options, conduct, seed)
    fresh = _fresh(problem, base, net, options, seed, scratch=scratch)
    variables = best_of(folder, fresh, options, scratch=scratch)
    return Judge(net, base).guesses(variables, masked.images), folder


def _options_of(row: Row, options: Options) -> Options:
    stages = 1 + len(_BEFORE)
    return replace(options, steps=stages * options.steps) if row == "8s_scratch" else options


def _name(base: Base, row: Row, options: Options, conduct: Conduct, seed: int) -> str:
    window = "-window{1}x{0}".format(*options.window) if options.window else ""
    return f"{conduct.prefix}{base.name}-{row}-{options.steps}{window}-seed{seed}"


def _fresh(
    problem: Problem, base: Base, net: FCN, options: Options, seed: int, *, scratch: bool
) -> dict[str, Any]:
    """What a row's net starts from, but for what it takes from the coarser one."""
    height, width = options.window or problem.train.images.shape[1:3]
    return base.start(net, (height, width), seed, scratch=scratch)


def _row(
    problem: Problem, base: Base, row: Row, options: Options, conduct: Conduct, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The result of a row, and the variables that it chose."""
    scratch = row == "8s_scratch"
    options = _options_of(row, options)
    data = (problem.train, problem.val, problem.test)
    how = {name: value for name, value in asdict(options).items() if name != "parallel"}
    settings = {
        **conduct.identity,
        "data": problem.train.name,
        "size": list(problem.train.images.shape[1:3]),
        "net": base.name,
        "scored": list(base.scored[: STAGES[row]]),
        "row": row,
        "seed": seed,
        **json.loads(json.dumps(how)),
        "fingerprints": [each.fingerprint() for each in data],
        "weights_file": "" if scratch else base.sha256,
    }
    path = conduct.out / _name(base, row, options, conduct, seed)
    folder = RunFolder(path, settings)
    net = base.net(len(problem.classes), STAGES[row], scratch=scratch)
    fresh = _fresh(problem, base, net, options, seed, scratch=scratch)
    result = folder.result()
    if result is not None:
        print(f"{path.name}: finished before, mean IoU {result['mean_iou']:.4f}")
        return result, best_of(path, fresh, options, scratch=scratch)
    if row in _BEFORE:
        _, coarser = _row(problem, base, _BEFORE[row], options, conduct, seed)
        fresh = from_coarser(fresh, coarser)
    variables, measured = train_stage(
        problem, base, net, fresh, options, folder, scratch=scratch, seed=seed
    )
    judge = Judge(net, base)
    chosen, found = judge.scores(variables, problem.val), judge.scores(variables, problem.test)
    result = folder.write_result(
        {
            **settings,
            **asdict(found),
            "iou": list(found.iou),
            "val_mean_iou": chosen.mean_iou,
            "chosen_by": "mean IoU on val",
            "classes": list(problem.classes),
            "images": [len(each) for each in data],
            **measured,
        }
    )
    print(f"{path.name}: mean IoU {found.mean_iou:.4f} on test, {chosen.mean_iou:.4f} on val")
    return result, variables
