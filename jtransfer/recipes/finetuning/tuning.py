"""How a net that was trained before is fine-tuned: a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from jtransfer.nets.classifier import Classifier
from jtransfer.train.step import Loss
from jtransfer.transfer.finetuning.l2_sp import l2_sp, with_start
from jtransfer.transfer.finetuning.regimes import REGIMES, Regime
from jtransfer.transfer.supervised import supervised_loss

on_target = partial(supervised_loss, domain="target")


@dataclass(frozen=True)
class Tuning:
    """A regime, the head that is put on the trunk, perhaps L2-SP.

    Attributes:
      regime: who moves, when and how fast, as `jt.plan` has it.
      hidden: widths of the head's hidden layers; none for a linear head.
      dropout: share of the hidden layers' units zeroed while training.
      penalty: alpha and beta of L2-SP (Li et al. 2018); none without it.

    Raises:
      ValueError: if they do not fit each other.
    """

    regime: Regime
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    penalty: tuple[float, ...] = ()

    def __post_init__(self):
        """Check what would else come to light when the source net has been trained."""
        if self.regime not in REGIMES:
            raise ValueError(f"no regime {self.regime!r}; expected one of {', '.join(REGIMES)}")
        if len(self.penalty) not in (0, 2):
            raise ValueError(f"penalty={self.penalty}; expected alpha and beta of L2-SP, or ()")
        if self.penalty and self.regime in ("frozen", "scratch"):
            raise ValueError(
                f"{self.regime!r} with L2-SP; expected a regime that carries a trunk over and "
                "moves it, for L2-SP holds it at its start. Leave out penalty, or take 'full'"
            )
        if self.regime == "lp_ft" and self.hidden:
            raise ValueError(
                f"'lp_ft' with hidden={self.hidden}; expected a linear head, hidden=(), for it "
                "starts from a linear probe"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """For a run's settings: what tells its results from those of another tuning."""
        return {
            "regime": self.regime,
            "hidden": list(self.hidden),
            "dropout": self.dropout,
            "penalty": list(self.penalty),
        }

    def loss(self, net: Classifier) -> Loss:
        """Cross-entropy on the target's labels, with the penalty if there is one."""
        if not self.penalty:
            return on_target(net)
        alpha, beta = self.penalty
        return l2_sp(on_target(net), alpha=alpha, beta=beta)

    def start(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The variables that training starts from, with what the penalty holds them at."""
        return with_start(variables) if self.penalty else variables
