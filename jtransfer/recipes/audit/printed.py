"""An audit as text for a terminal."""

from collections.abc import Sequence

from jtransfer.measure.tables import console_table
from jtransfer.recipes.audit.audit import Audit
from jtransfer.recipes.audit.findings import counts_table, notes, sizes_table, warnings


def printed(audit: Audit, *, most: int = 20) -> str:
    """Tables and lists of what was found.

    Args:
      audit: what was found.
      most: lines of each list; what is left out is counted.
    """
    folder = audit.folder
    parts = [f"{folder.root}: {len(folder):,} images, {len(folder.classes):,} classes"]
    for columns, rows in (counts_table(audit), sizes_table(audit)):
        if rows:
            hidden = [f"... {len(rows) - most:,} more rows"] if len(rows) > most else []
            parts.append("\n".join([console_table(columns, rows[:most]), *hidden]))
    parts.append("\n".join(warnings(audit) or ["Nothing was found that should be mended."]))
    parts += [
        *_listed("cannot be read", [*audit.looked.unreadable.values()], most),
        *_listed(
            "the same image",
            [
                f"{', '.join(folder.names[row] for row in each.rows[:6])}"
                f"{'' if each.exact else '  (alike)'}"
                for each in sorted(
                    audit.duplicates,
                    key=lambda each: each not in {*audit.leaks, *audit.contradictions},
                )
            ],
            most,
        ),
        *_listed(
            "doubtful labels",
            [
                f"{folder.names[each.row]}: more like {each.guess} ({each.probability:.2f})"
                for each in audit.doubtful
            ],
            most,
        ),
        *_listed("notes", notes(audit), most),
    ]
    return "\n\n".join(parts)


def _listed(title: str, lines: Sequence[str], most: int) -> list[str]:
    if not lines:
        return []
    more = [f"  ... {len(lines) - most:,} more"] if len(lines) > most else []
    return ["\n".join([f"{title}:", *(f"  {line}" for line in lines[:most]), *more])]
