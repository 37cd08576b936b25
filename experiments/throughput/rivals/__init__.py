"""The same nets, losses and steps in PyTorch."""
