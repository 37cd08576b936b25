"""The zero-shot methods, each with the settings that validation classes choose among."""

from collections.abc import Sequence

from jtransfer.recipes.zero_shot.fitting import by_attributes, by_gradient, eszsl
from jtransfer.recipes.zero_shot.method import Method, Setting
from jtransfer.transfer.zero_shot.compatibility import (
    Bilinear,
    TwoTowers,
    ale_ranking,
    contrastive,
    devise_ranking,
)


def _grid(**values: Sequence[float]) -> tuple[Setting, ...]:
    """Every combination of the named values."""
    settings: list[Setting] = [{}]
    for name, choices in values.items():
        settings = [{**each, name: choice} for each in settings for choice in choices]
    return tuple(settings)


PENALTIES = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
TRAINED = _grid(rate=(1e-3, 3e-3), steps=(100, 200, 400, 800))
METHODS: dict[str, Method] = {
    "look_up": Method(
        "table look-up",
        _grid(penalty_an_image=PENALTIES, rule=(0, 1)),
        by_attributes("direct", ("distance", "direction")),
        True,
    ),
    "dap": Method(
        "DAP", _grid(penalty_an_image=PENALTIES), by_attributes("direct", ("product",)), True
    ),
    "iap": Method(
        "IAP", _grid(penalty_an_image=PENALTIES), by_attributes("indirect", ("product",)), True
    ),
    "eszsl": Method(
        "ESZSL", _grid(a=[10.0**p for p in range(-3, 4)], g=[10.0**p for p in range(-3, 4)]), eszsl
    ),
    "ale": Method("ALE", TRAINED, by_gradient(Bilinear(), ale_ranking), trained=True),
    "devise": Method("DeViSE", TRAINED, by_gradient(Bilinear(), devise_ranking), trained=True),
    "towers": Method("two towers", TRAINED, by_gradient(TwoTowers(), contrastive), trained=True),
}
