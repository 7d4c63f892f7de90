"""The window. Widgets only: every operation goes through `faceapp.services`."""
