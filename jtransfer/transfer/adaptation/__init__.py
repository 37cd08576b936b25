"""Target unlabelled: unsupervised domain adaptation."""
