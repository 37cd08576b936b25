"""Target labelled, trunk frozen: probes, retrieval, few-shot."""
