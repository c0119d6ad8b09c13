"""Reconstruct the spectral reflectance of a scene, 400..700 nm in steps of 10, from an sRGB photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.tasks.base import Task, clipped, photo_as_it_is

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Num

    from glmha_cli.physics.colour import Light


@dataclass(frozen=True, eq=False)
class LitPhoto:
    """A photo of a scene in a light other than D65; all or some of its rows."""

    colours: Num[np.ndarray, "h w c"]
    light: Light

    @property
    def shape(self) -> tuple[int, ...]:
        return self.colours.shape

    def __getitem__(self, rows: Any) -> LitPhoto:
        return LitPhoto(self.colours[rows], self.light)


def in_light(colours: Num[np.ndarray, "h w c"], illuminant: str) -> Num[np.ndarray, "h w c"] | LitPhoto:
    """A photo in sRGB as a source of the task, of a scene in a light by its name (see `named_light`)."""
    from glmha_cli.physics.colour import D65
    from glmha_cli.tasks.lights import named_light

    light = named_light(illuminant)
    return colours if light is D65 else LitPhoto(colours, light)


def colours_of(source: Num[np.ndarray, "h w c"] | LitPhoto) -> Num[np.ndarray, "h w c"]:
    """The photo of a source, whatever the light."""
    return source.colours if isinstance(source, LitPhoto) else source


def prepare(source: Num[np.ndarray, "h w c"] | LitPhoto) -> tuple[Float[np.ndarray, "h w 3"]]:
    """The photo, whatever the light: the network has learnt with photos in D65."""
    return photo_as_it_is(colours_of(source))


def project(
    cube: Float[np.ndarray, "h w 31"], source: Num[np.ndarray, "h w c"] | LitPhoto
) -> Float[np.ndarray, "h w 31"]:
    """The cube near `cube` that renders exactly to the photo's colours, in the light of the photo."""
    from glmha_cli.io.photos.read import as_pixels
    from glmha_cli.physics.colour import D65, project_onto_photo

    light = source.light if isinstance(source, LitPhoto) else D65
    return project_onto_photo(cube, as_pixels(colours_of(source)), light)


RGB2HSI = Task(
    name="rgb2hsi",
    summary="Reconstruct a reflectance cube of 31 bands, 400-700 nm, from photos.",
    input_kind="photo",
    output_kind="cube",
    network="mst_plus_plus",
    protocol="arad",
    examples=("glmha rgb2hsi photo.jpg cube.tif", "glmha rgb2hsi lamp.jpg cube.mat --illuminant A"),
    prepare=prepare,
    finish=clipped,
    project=project,
    wavelength_nm=RGB2HSI_NM,
    any_orientation=True,
)
