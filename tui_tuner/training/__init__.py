"""From training files to an adapter."""
