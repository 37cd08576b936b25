"""Target labelled, trunk frozen: probes, retrieval, few-shot."""

import lazy_loader

# Reached as `jt.estimators`, and loaded then: scikit-learn takes a second.
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["estimators"])
