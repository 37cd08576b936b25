"""A net trained on a source, fine-tuned on a part of the target's labels, small images."""
