"""How a net that was trained before is fine-tuned: a value."""

from dataclasses import dataclass

from jtransfer.transfer.finetuning.regimes import Regime


@dataclass(frozen=True)
class Tuning:
    """A regime, the head that is put on the trunk, perhaps L2-SP.

    Attributes:
      regime: who moves, when and how fast, as `jt.plan` has it.
      hidden: widths of the head's hidden layers; none for a linear head.
      dropout: share of the hidden layers' units zeroed while training.
      penalty: alpha and beta of L2-SP (Li et al. 2018); none without it.
    """

    regime: Regime
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    penalty: tuple[float, ...] = ()
