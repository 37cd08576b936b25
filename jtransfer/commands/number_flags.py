"""Numbers that no setting has are refused before anything is done with them."""

import math
from dataclasses import fields, is_dataclass
from typing import Any


def require_usual_numbers(settings: Any) -> None:
    """Refuse numbers of a dataclass of settings which could end as an error far from here.

    Raises:
      ValueError: naming a flag that is negative, no number, or infinite; or that is 0 where it
        stands for what is otherwise taken from elsewhere (its default is None), such as the
        preset's number of steps.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            require_usual_numbers(value)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, bool) or not isinstance(each, int | float):
                continue
            above = field.default is None
            if not (each > 0 if above else each >= 0) or math.isinf(each):
                raise ValueError(
                    f"--{field.name.replace('_', '-')} is {each}; expected a finite number "
                    f"{'above 0' if above else 'from 0'}. Give another one, or leave it out"
                )
