"""The headless twins of the app's steps, one module each."""
