"""Frozen features of a pretrained net: taken once, then probed, searched, learned from by shots."""
