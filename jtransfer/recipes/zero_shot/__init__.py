"""Zero-shot learning: classes without a training image, named by what is known about them."""
