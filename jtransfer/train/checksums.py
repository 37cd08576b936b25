"""What the files of a folder were when they were written: SHA-256 of each, in a file beside them.

`sha256sum --check checksums.txt` reads it too.
"""

import hashlib
from pathlib import Path

from jtransfer.files.reading import open_regular, read_bytes
from jtransfer.files.writing import write_text

CHECKSUMS = "checksums.txt"
_PART = 1 << 20  # bytes read at once


def seal(folder: Path) -> None:
    """Write the checksums of all files below a folder, hidden ones left out, on the disk at once.

    Raises:
      OSError: if a file cannot be read, or the checksums cannot be written.
    """
    lines = (f"{digest}  {name}\n" for name, digest in _digests(folder).items())
    write_text(folder / CHECKSUMS, "".join(lines))


def is_sealed(folder: Path) -> bool:
    """Whether a folder has checksums, right or wrong."""
    return (folder / CHECKSUMS).exists()


def damage(folder: Path) -> str | None:
    """What is no longer as when the folder was sealed, in words; None if everything is."""
    try:
        written = read_bytes(folder / CHECKSUMS).decode("ascii")
        lines = (line.split("  ", 1) for line in written.splitlines())
        known = {name: digest for digest, name in lines}
        there = _digests(folder)
    except (OSError, MemoryError) as error:
        return f"{error.__class__.__name__}: {error}"
    except ValueError:  # no line of two fields, no ASCII
        return f"{CHECKSUMS} is damaged itself"
    if not known:
        return f"{CHECKSUMS} is empty"
    for name in sorted(known.keys() | there.keys()):
        if name not in there:
            return f"{name} is missing"
        if name not in known:
            return f"{name} was not there"
        if known[name] != there[name]:
            return f"{name} does not match its checksum"
    return None


def _digests(folder: Path) -> dict[str, str]:
    """The checksum of every file below a folder but the hidden ones, by its path there."""
    names = sorted(
        name
        for path in folder.rglob("*")
        if not path.is_dir()
        and (name := path.relative_to(folder).as_posix()) != CHECKSUMS
        and not path.name.startswith(".")
    )
    digests = {}
    for name in names:
        with open_regular(folder / name) as stream:
            digest = hashlib.sha256()
            while part := stream.read(_PART):
                digest.update(part)
            digests[name] = digest.hexdigest()
    return digests
