"""The recogniser builder: a genetic search for the best small network on top of the embeddings."""
