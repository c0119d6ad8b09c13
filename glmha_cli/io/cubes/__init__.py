"""Spectral cubes in files."""

from glmha_cli.io.cubes.cube import Cube, read_cube, write_cube

__all__ = ["Cube", "read_cube", "write_cube"]
