"""Morph through a latent space: a StyleGAN2 generator in a process of its own, or a model of a gallery."""
