"""A measurement that is made once: a run's folder keeps it, beside the settings it is of."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jtransfer.train.run_folder import RunFolder


def once(
    folder: Path, settings: Mapping[str, Any], measure: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """What an earlier call with these settings has measured, or what `measure` does now.

    Args:
      folder: of the run; made if it is not there.
      settings: what the result depends on, JSON-serialisable: of features their `Features.key`
        among it, so that a result of other weights or images is never taken for this one's.
      measure: takes the measurement, JSON-serialisable.

    Returns:
      The settings, the measurement, and what it was made by, as in the folder's result.json.

    Raises:
      RunFolderError: if the folder holds a run with other settings, or cannot be used.
    """
    run = RunFolder(folder, settings)
    result = run.result()
    if result is not None:
        print(f"{folder.name}: finished before")
        return result
    return run.write_result({**settings, **measure()})
