"""What is learned: pure Flax modules, and loading pretrained weights into their parameters."""
