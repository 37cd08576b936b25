"""Target labelled, a class for every pixel: fully convolutional nets."""
