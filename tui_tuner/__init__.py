"""tuner: from nothing to a language model of your own, in one terminal."""

__version__ = "0.1.0"
