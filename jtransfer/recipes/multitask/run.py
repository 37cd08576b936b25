"""A net on several tasks, trained from every seed and kept in a run's folder."""

import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from jtransfer.measure import mean_std
from jtransfer.recipes.multitask.trainer import Trainer
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog


def run_folder_name(name: str, known: int, steps: int) -> str:
    """Of the folder of a run."""
    return f"{name}-{known or 'all'}-{steps}"


def run_tasks(
    trainer: Trainer,
    name: str,
    out: Path | str,
    *,
    known: int = 0,
    seeds: Sequence[int] = (0,),
    identity: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train on one number of known labels from every seed, unless that was done.

    Args:
      trainer: the programs.
      name: of the run; another net or weighting is to have another one.
      out: folder of the runs' folders: `result.json`, and `metrics.jsonl` of the first seed.
      known: images a class whose scarce label is known; 0 for all.
      seeds: of which ones, of parameters and order.
      identity: written into config and result, beside what the trainer says.

    Returns:
      What `result.json` holds, under "scores" each task's from every seed.

    Raises:
      RunFolderError: if the folder holds a run with other settings.
    """
    options = trainer.options
    settings = {
        **(identity or {}),
        "row": name,
        "tasks": list(trainer.tasks),
        "each": known,
        "steps": options.steps,
        "batch": options.batch,
        "rate": options.learning_rate,
        "weight_rate": options.weight_rate,
        "temperature": options.temperature,
        "seeds": list(seeds),
        "problem": trainer.problem.fingerprint,
    }
    folder = RunFolder(Path(out) / run_folder_name(name, known, options.steps), settings)
    result = folder.result()
    if result is None:
        started = time.perf_counter()
        scores, times = [], []
        for number, seed in enumerate(seeds):
            log = None
            if number == 0:
                quiet = {"name": name, "total_steps": options.steps, "stream": io.StringIO()}
                log = RunLog(folder.metrics_file, **quiet)
            state, milliseconds = trainer.train(known, seed, log)
            if log is not None:
                log.close()
            scores.append(trainer.test(state))
            times.append(milliseconds)
        parameters = sum(leaf.size for leaf in jax.tree.leaves(trainer.variables(0)["params"]))
        result = folder.write_result(
            {
                **settings,
                "scores": {task: [each[task] for each in scores] for task in scores[0]},
                "chosen_by": "last step",
                "parameters": parameters,
                "processor_milliseconds_a_step": round(min(times), 3),
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
    shown = ", ".join(f"{task} {mean_std(each)}" for task, each in result["scores"].items())
    print(f"{folder.path.name}: {shown}, {result['seconds']:.0f} s", flush=True)
    return result
