"""Who writes the training data."""
