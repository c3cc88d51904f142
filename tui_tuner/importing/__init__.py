"""Examples that are there already: looked at, mapped to turns, and brought into a project row by row."""
