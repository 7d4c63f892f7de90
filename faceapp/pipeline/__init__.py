"""From a file to faces with embeddings: photos, quality, alignment, analysis."""
