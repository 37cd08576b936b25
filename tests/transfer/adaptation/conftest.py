import pytest


@pytest.fixture
def ot(monkeypatch):
    """POT on numpy alone: of the other libraries that it would import, each takes seconds."""
    for library in ("PYTORCH", "JAX", "TENSORFLOW", "CUPY"):
        monkeypatch.setenv(f"POT_BACKEND_DISABLE_{library}", "1")
    return pytest.importorskip("ot")
