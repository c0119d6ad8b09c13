"""A trained network with channel attention becomes one with GLMHA, which costs less, in minutes instead of days."""
