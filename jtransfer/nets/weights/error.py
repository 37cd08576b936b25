"""The error of everything that reads weights."""


class WeightsError(ValueError):
    """Weights that cannot be used, and what to do about it."""
