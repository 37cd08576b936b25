"""What is known of every set of published weights, as data."""
