"""What a folder holds, in the order of names, and the true cause where it cannot be said."""

from collections.abc import Callable
from pathlib import Path


def entries(
    folder: Path, *, error: Callable[[str], Exception], absent: str | None = None
) -> list[Path]:
    """The entries of a folder in the order of their names, but for hidden ones.

    Hidden ones are the system's (`.DS_Store`, `._a.jpg`) and those of writers who have not ended.

    Args:
      folder: to be listed, not what is below its folders.
      error: the room's own error.
      absent: what to say after "found no folder ..." where there is none; None to list nothing.

    Raises:
      Exception: `error`, if it is not there, is no folder, or may not be read.
    """
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError as cause:
        if absent is None:
            return []
        raise error(f"found no folder {folder}; {absent}") from cause
    except NotADirectoryError as cause:
        raise error(f"{folder} is a file; expected a folder. Name a folder") from cause
    except PermissionError as cause:
        raise error(
            f"{folder} may not be listed by this user; expected a folder that may. Change its "
            "permissions, such as by chmod +rx"
        ) from cause
    except (OSError, ValueError) as cause:  # ValueError: a zero byte in the name
        said = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        raise error(
            f"{folder} cannot be listed ({said}); expected a folder. See to the disk or the name"
        ) from cause
    return sorted(found, key=lambda path: path.name)


def leads_nowhere(path: Path) -> bool:
    """Whether an entry is a link to what is not there, or to itself."""
    try:
        path.stat()
    except OSError:
        return path.is_symlink()
    return False
