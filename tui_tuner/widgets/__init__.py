"""What several screens share: step bar, line plot, progress of stages, events, settings."""
