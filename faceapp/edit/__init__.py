"""Swap and morph: pure functions on arrays, and the way from a photo to a face that can be edited."""
