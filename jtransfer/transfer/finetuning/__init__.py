"""Target labelled, trunk moving: regimes, layers, L2-SP, speakers."""
