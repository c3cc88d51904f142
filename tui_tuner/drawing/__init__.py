"""Curves as numbers and as pictures, for whoever draws them: no terminal needed."""
