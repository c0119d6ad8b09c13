"""A photo's shapes and light on measured spectra of about its colours."""

import numpy as np
from jaxtyping import Float

from glmha_cli.training.data.reflectances import LUMINANCE, Library, squared_distances
from glmha_cli.training.degradations.sensor import log_uniform

MATERIALS = (1, 32)
"""Of a photo's crop, at least and at most; few are more frequent."""

CANDIDATES = 1024
LIKENESS = 0.03
"""Standard deviation of a material's colour from that of its place in the photo, in `colour_place`."""

TOO_DARK = 30.0
"""In the logarithm of how likely a material is, where its place is brighter than it was measured."""

MIXING = (0.005, 0.06)
"""Distance of colours, in `colour_place`, over which neighbouring materials mix."""


def scene(
    rgb: Float[np.ndarray, "h w 3"],
    library: Library,
    rng: np.random.Generator,
    weights: Float[np.ndarray, " sources"],
    *,
    recoloured: bool,
) -> Float[np.ndarray, "h w bands"]:
    """The photo's shapes and light on measured spectra, rgb: linear sRGB in [0, 1].

    Some of its pixels stand for its materials. Each gets a spectrum of about its colour, every pixel those of the
    pixels that it resembles, and, up to a random share, its own deviation from their colour. `recoloured`: spectra of
    any colour as bright as they were measured, with the photo for their light, and no deviations.
    """
    pixels = rgb.reshape(-1, 3)
    count = round(log_uniform(rng, MATERIALS))
    seeds = pixels[rng.integers(len(pixels), size=count)]
    drawn = library.draw(rng, count, weights) if recoloured else materials(seeds, library, rng, weights)
    spectra = library.spectra[drawn] * (library.luminance[drawn][:, None] if recoloured else 1)
    reach = log_uniform(rng, MIXING)
    distances = squared_distances(colour_place(pixels), colour_place(seeds))
    shares = np.exp((distances.min(axis=1, keepdims=True) - distances) / np.float32(2 * reach**2))
    shares /= shares.sum(axis=1, keepdims=True)
    luminance = (pixels @ LUMINANCE)[:, None]
    cube = luminance * (shares @ spectra)
    if not recoloured:
        cube += np.float32(rng.random()) * deviation(pixels, luminance, shares, seeds) @ library.change
    return cube.reshape(*rgb.shape[:2], -1)


def deviation(
    pixels: Float[np.ndarray, "n 3"],
    luminance: Float[np.ndarray, "n 1"],
    shares: Float[np.ndarray, "n materials"],
    seeds: Float[np.ndarray, "materials 3"],
) -> Float[np.ndarray, "n 3"]:
    """Of each pixel's colour from that of the materials that it is mixed of, as bright as the pixel is."""
    unit = seeds / np.maximum(seeds @ LUMINANCE, 1e-4)[:, None]
    return pixels - luminance * (shares @ unit)


def materials(
    colours: Float[np.ndarray, "n 3"],
    library: Library,
    rng: np.random.Generator,
    weights: Float[np.ndarray, " sources"],
) -> np.ndarray:
    """For each colour (linear sRGB) a spectrum of about that colour, drawn as `weights` make it likely: indices. None
    is darker than its colour where another of about that colour is not.
    """
    drawn = library.draw(rng, CANDIDATES, weights)
    distances = squared_distances(colour_place(colours), colour_place(library.colours[drawn]))
    likely = rng.gumbel(size=distances.shape) - distances / (2 * LIKENESS**2)
    likely[(colours @ LUMINANCE)[:, None] > library.luminance[drawn]] -= TOO_DARK
    return drawn[likely.argmax(axis=1)]


def colour_place(rgb: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Square roots of the shares of red, green and blue, apart about as seen; near black, where 8 bits tell no hue,
    those of grey.
    """
    lifted = np.maximum(rgb, 0) + np.float32(0.002)
    return np.sqrt(lifted / lifted.sum(axis=-1, keepdims=True))
