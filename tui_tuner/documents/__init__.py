"""Documents cut into passages that questions can be asked about."""
