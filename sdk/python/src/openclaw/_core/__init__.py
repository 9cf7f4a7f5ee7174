"""All that the package decides, without any input or output: see `actions` for how the two clients act on it."""
