"""What a result was made by, as the tables say it."""

from typing import Any


def made_by(result: dict[str, Any]) -> str:
    """Device and versions of a result."""
    versions = result["made_by"]["versions"]
    return f"{result['made_by']['device']}; jax {versions['jax']}, flax {versions['flax']}"
