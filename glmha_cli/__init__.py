"""glmha: restore photos and reconstruct spectra with GLMHA networks."""

__version__ = "0.1.0"
