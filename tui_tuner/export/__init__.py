"""From base and adapter to one model."""
