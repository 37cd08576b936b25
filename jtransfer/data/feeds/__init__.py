"""How batches reach the step: from the device, or from files as they are needed."""
