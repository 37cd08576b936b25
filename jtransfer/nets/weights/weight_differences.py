"""What a file of weights and a net have not in common, in words."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from jtransfer.nets.weights.error import readable

_MOST_LINES = 20  # of a kind
# Beyond these no closest name is looked for: it takes microseconds for each pair.
_MOST_NAMES = 1000
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Differences:
    """The differences of a file and a template.

    Attributes:
      missing: for each name that the file should have and lacks, what is missing.
      unexpected: for each name that the file has and should not have, why.
      unfit: what is there and does not fit, each as a line.
    """

    missing: dict[str, str] = field(default_factory=dict)
    unexpected: dict[str, str] = field(default_factory=dict)
    unfit: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.unfit)

    def listed(self, known: Iterable[str]) -> str:
        """Counts and lines, those of a wrong name with the closest that would be right.

        Args:
          known: all the names that the file could have.
        """
        kinds = (
            ("missing", _named(self.missing, self.unexpected)),
            ("unexpected", _named(self.unexpected, known)),
            ("not fitting", self.unfit[:_MOST_LINES]),
        )
        counts = [len(self.missing), len(self.unexpected), len(self.unfit)]
        lines = []
        for (kind, first), count in zip(kinds, counts, strict=True):
            more = [f"... and {count - len(first):,} more {kind}"] if count > len(first) else []
            lines += [*first, *more]
        said = ", ".join(
            f"{count:,} {kind}" for (kind, _), count in zip(kinds, counts, strict=True)
        )
        return "\n  ".join([f"Differences ({said}):", *lines])


def _named(lines: dict[str, str], others: Iterable[str]) -> list[str]:
    """The first lines, each with the closest of the other names if one is close."""
    short = [name for name in others if len(name) <= _LONGEST_NAME][:_MOST_NAMES]
    said = []
    for name, line in list(lines.items())[:_MOST_LINES]:
        close = get_close_matches(name, short, 1, 0.8) if len(name) <= _LONGEST_NAME else []
        said.append(line + "".join(f"; close is {readable(each)}" for each in close))
    return said
