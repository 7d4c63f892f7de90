"""Models: arrays in, types out. Nothing here loads a model package before a model is asked for."""
