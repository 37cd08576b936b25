"""A class for every pixel: fully convolutional nets from classifiers, stage by stage."""
