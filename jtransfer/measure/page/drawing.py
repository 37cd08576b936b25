"""SVG from small functions: elements whose texts are escaped, and axes of shares.

What must stay of one size whatever the width of the screen, such as a dot or a letter, is placed by
per cent; only what has a shape of its own has a `viewBox`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup, escape

from jtransfer.measure.page.content import Share

# Steps between ticks, of which the smallest that gives few of them is taken.
_STEPS, _MOST_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25), 6


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """An element of SVG or html; what is no `Markup` yet is escaped.

    Args:
      tag: its name.
      *children: elements or texts.
      **attributes: by name, `_` for `-`, and a last one taken off; None for one to leave out.

    >>> element("text", "a < b", x=3, text_anchor="end", class_="n")
    Markup('<text x="3" text-anchor="end" class="n">a &lt; b</text>')
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    # Not by `Markup.format`, which takes ten times as long.
    return Markup(f"<{tag}{given}>{''.join(map(escape, children))}</{tag}>")


def figure(*children: str, label: str, **attributes: object) -> Markup:
    """An `svg` that those who don't see it are told of by its label."""
    return element("svg", *children, role="img", aria_label=label, **attributes)


def number(value: float) -> str:
    """A coordinate to a tenth, without a needless zero.

    >>> number(3.0), number(2.449)
    ('3', '2.4')
    """
    return f"{value:.1f}".removesuffix(".0")


def percent(share: float) -> str:
    """A share for people: to a tenth of a per cent, nothing short of all called all.

    >>> percent(0.98312), percent(0.99999), percent(1), percent(0.00001)
    ('98.3%', '99.9%', '100%', '0.1%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    return f"{min(max(100 * share, 0.1), 99.9):.1f}%"


def said(share: Share) -> str:
    """A share with its interval, in words."""
    if share.low is None or share.high is None:
        return percent(share.value)
    return f"{percent(share.value)}, between {percent(share.low)} and {percent(share.high)}"


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(0.04), duration(7), duration(200), duration(5400)
    ('0.0 s', '7.0 s', '3.3 min', '1.5 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


@dataclass(frozen=True)
class Axis:
    """A horizontal axis of shares, or any direction that shares are drawn along.

    Attributes:
      step: between its ticks.
      first: the lowest tick, as a multiple of the step.
      last: the highest one.
    """

    step: float
    first: int
    last: int

    @classmethod
    def of(cls, shares: Sequence[Share]) -> "Axis":
        """The axis that shows some shares and their intervals, as large as may be."""
        ends = [
            each
            for share in shares
            for each in (share.value, share.low, share.high)
            if each is not None
        ]
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        for step in _STEPS:
            # Of what a float is short of or beyond, nothing is to be seen.
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            last = max(last, first + 1)
            if last - first < _MOST_TICKS:
                return cls(step, first, last) if last * step <= 1 else cls(step, last - 2, last - 1)
        raise AssertionError(f"no axis from {low} to {high}")

    @cached_property
    def ticks(self) -> list[float]:
        """Shares that are named."""
        return [each * self.step for each in range(self.first, self.last + 1)]

    def at(self, share: float) -> float:
        """Where a share is, 0 for the axis's beginning and 1 for its end."""
        return (share - self.first * self.step) / ((self.last - self.first) * self.step)

    def place(self, share: float) -> str:
        """Where a share is, in per cent of the width."""
        return f"{100 * self.at(share):.2f}%"
