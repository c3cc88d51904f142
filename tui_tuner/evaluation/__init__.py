"""Base against tuned."""
