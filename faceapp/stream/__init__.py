"""From a source of frames to decided tracks: sources, detection, following, tracks, decisions."""
