"""The whole journey on the starter model, in one command."""
