"""Reconstruct the spectral reflectance of a scene, 400..700 nm in steps of 10, from an sRGB photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.tasks.base import Task, clipped, photo_as_it_is

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Num


def project(cube: Float[np.ndarray, "h w 31"], photo: Num[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w 31"]:
    """The cube near `cube` that renders exactly to the photo's colours."""
    from glmha_cli.io.photos.read import as_pixels
    from glmha_cli.physics.colour import project_onto_photo

    return project_onto_photo(cube, as_pixels(photo))


RGB2HSI = Task(
    name="rgb2hsi",
    summary="Reconstruct a reflectance cube of 31 bands, 400-700 nm, from photos.",
    input_kind="photo",
    output_kind="cube",
    network="mst_plus_plus",
    protocol="arad",
    examples=("glmha rgb2hsi photo.jpg cube.tif", "glmha rgb2hsi photo.jpg cube.mat"),
    prepare=photo_as_it_is,
    finish=clipped,
    project=project,
    wavelength_nm=RGB2HSI_NM,
    any_orientation=True,
)
