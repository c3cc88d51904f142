"""Base models: finding them on this machine, fetching and making them, loading them, letting them speak."""
