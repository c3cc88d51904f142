"""Lets `python -m tui_tuner` do what `tuner` does."""

from tui_tuner.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
