"""From a topic to training files."""
