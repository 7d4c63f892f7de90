"""Who is this, and who looks like this: pure functions and immutable records over embeddings."""
