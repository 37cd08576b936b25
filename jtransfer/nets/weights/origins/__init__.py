"""Where published weights come from: an installed package, an address, the Hugging Face hub."""
