"""Libraries of measured reflectances: read from files, a tenth held out, drawn by source."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from jaxtyping import Float, Int64

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.variables import open_variables, pick
from glmha_cli.io.guard import reading
from glmha_cli.physics.colour import TO_RGB, likely_change
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.shapes import size_text
from glmha_cli.training.data.holdout import HOLD_OUT_EVERY

FEWEST = 5 * HOLD_OUT_EVERY
LARGEST_GAP_NM = 5.0
"""So far beyond its first and last band a spectrum may be continued as it ends."""

DARKEST = 1e-3
"""Luminance of the darkest spectrum that is kept: what is black has no shape."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True, eq=False)
class Reflectances:
    """Measured spectra, (n, 31) at 400..700 nm, step 10, and the source of each by name."""

    values: Float[np.ndarray, "n 31"]
    source: np.ndarray

    def __getitem__(self, which: np.ndarray) -> "Reflectances":
        return Reflectances(self.values[which], self.source[which])

    def __len__(self) -> int:
        return len(self.values)

    def of(self, source: str) -> Float[np.ndarray, "_ 31"]:
        return self.values[self.source == source]


@dataclass(frozen=True, eq=False)
class Library:
    """Measured reflectances, each scaled to luminance 1 under D65, source after source; float32.

    spectra: at `wavelength_nm`, those of the cubes to make. colours: their linear sRGB. luminance: as measured.
    change: what a change of linear sRGB most likely is as a change of spectrum (Wiener estimate, from the
        covariance of the reflectances); its spectra render to exactly that change.
    counts: spectra of each source, in the order of `sources`.
    """

    wavelength_nm: Sequence[float]
    spectra: Float[np.ndarray, "n bands"]
    colours: Float[np.ndarray, "n 3"]
    luminance: Float[np.ndarray, " n"]
    change: Float[np.ndarray, "3 bands"]
    sources: Sequence[str]
    counts: Int64[np.ndarray, " sources"]

    @classmethod
    def of(cls, reflectances: Reflectances, wavelength_nm: Sequence[float]) -> "Library":
        sources, counts = np.unique(reflectances.source, return_counts=True)
        values = reflectances.values[np.argsort(reflectances.source, kind="stable")]
        luminance = values @ TO_RGB @ LUMINANCE
        unit = values / luminance[:, None]
        spectra, change = (
            resample(each, RGB2HSI_NM, wavelength_nm).astype(np.float32)
            for each in (unit, likely_change(np.cov(values.T)))
        )
        colours = (unit @ TO_RGB).astype(np.float32)
        return cls(wavelength_nm, spectra, colours, luminance.astype(np.float32), change, sources.tolist(), counts)

    def weights(self, of_sources: Mapping[str, float]) -> Float[np.ndarray, " sources"]:
        """How likely each source is, 1 together: those named as they say, the others share what is left of 1 as they
        have spectra.
        """
        named = np.array([of_sources.get(source, 0.0) for source in self.sources])
        others = np.array([source not in of_sources for source in self.sources]) * self.counts
        left = max(0.0, 1 - named.sum())
        weights = named + left * others / max(1, others.sum())
        if not weights.any():
            raise BadDataError(f"no weight for any of the sources {', '.join(self.sources)}", "[cubes] sources")
        return weights / weights.sum()

    def groups(self, named: Collection[str]) -> dict[str, Float[np.ndarray, " sources"]]:
        """`weights` of one source alone, for each that is here and named; the others are one, "others"."""
        together = {source: [source] for source in self.sources if source in named}
        if others := [source for source in self.sources if source not in named]:
            together["others"] = others
        counts = {
            name: self.counts * [source in sources for source in self.sources] for name, sources in together.items()
        }
        return {name: count / count.sum() for name, count in counts.items()}

    def draw(
        self, rng: np.random.Generator, count: int, weights: Float[np.ndarray, " sources"]
    ) -> Int64[np.ndarray, " {count}"]:
        """Indices of spectra: first a source by its weight, then any of its spectra."""
        source = rng.choice(len(weights), size=count, p=weights)
        starts = np.cumsum(self.counts) - self.counts
        return starts[source] + (rng.random(count) * self.counts[source]).astype(np.int64)


def read_library(paths: Sequence[Path], wavelength_nm: Sequence[float]) -> tuple[Library, Library]:
    """Training and held-out spectra of files (see `read_reflectances`) for cubes at `wavelength_nm`."""
    training, held_out = read_reflectances(paths)
    return Library.of(training, wavelength_nm), Library.of(held_out, wavelength_nm)


def read_reflectances(paths: Sequence[Path]) -> tuple[Reflectances, Reflectances]:
    """Training and held-out reflectances of all files together; float64.

    A file: .npz or .mat with `reflectance` (spectra x bands, in [0, 1]) and `wavelength_nm` (bands), over
    400..700 nm; an .npz may name the `source` of each spectrum. About a tenth is held out, those that `is_held_out`
    says: equal spectra stay together, and further ones do not change the split of these. Raises NoInputError or
    BadDataError.
    """
    read = [read_file(path) for path in paths]
    every = Reflectances(np.concatenate([each.values for each in read]), np.concatenate([each.source for each in read]))
    held_out = np.array([is_held_out(spectrum) for spectrum in every.values])
    if held_out.all() or not held_out.any():
        raise BadDataError(f"too few different spectra in {', '.join(map(str, paths))}", "add more")
    return every[~held_out], every[held_out]


def is_held_out(spectrum: Float[np.ndarray, " 31"]) -> bool:
    """Whether a checksum of it in thousandths is divisible by HOLD_OUT_EVERY."""
    return crc32(np.rint(spectrum * 1000).astype("<i2").tobytes()) % HOLD_OUT_EVERY == 0


def read_file(path: Path) -> Reflectances:
    """All spectra of a file that are not black; where it names no sources, its own name is their source."""
    with reading(path, "a file of spectra"):
        variables = open_variables(path)
        values, nm = (variables[pick(variables, [name])]() for name in ("reflectance", "wavelength_nm"))
        nm = nm.ravel()
        if values.ndim != 2 or values.shape[1] != len(nm) or len(values) < FEWEST:
            raise BadDataError(
                f"holds {size_text(values.shape)} reflectances at {len(nm)} wavelengths",
                f"it needs at least {FEWEST} spectra, a row each, and as many wavelengths as columns",
            )
        if not (values.min() >= 0 and 0 < values.max() <= 1.5):
            raise BadDataError("holds values that are not reflectances", "they are fractions of 1")
        source = names_in(path) if path.suffix == ".npz" and "source" in variables else np.full(len(values), path.stem)
        if len(source) != len(values):
            raise BadDataError(f"names {len(source)} sources for {len(values)} spectra", "`source`: a name for each")
        reflectance = resample(values.astype(np.float64), nm.tolist(), RGB2HSI_NM)
    seen = reflectance @ TO_RGB @ LUMINANCE > DARKEST
    return Reflectances(reflectance[seen], source[seen])


def names_in(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["source"].ravel().astype(str)


def resample(
    values: Float[np.ndarray, "*n bands"], from_nm: Sequence[float], to_nm: Sequence[float]
) -> Float[np.ndarray, "*n wanted"]:
    """Linear interpolation along the last axis; BadDataError where `from_nm` does not cover `to_nm`."""
    have, want = np.asarray(from_nm, float), np.asarray(to_nm, float)
    if len(have) < 2 or (np.diff(have) <= 0).any():
        raise BadDataError("its wavelengths are not in ascending order")
    if want[0] < have[0] - LARGEST_GAP_NM or want[-1] > have[-1] + LARGEST_GAP_NM:
        raise BadDataError(f"covers {have[0]:g}..{have[-1]:g} nm, not {want[0]:g}..{want[-1]:g} nm")
    right = np.searchsorted(have, want).clip(1, len(have) - 1)
    share = ((want - have[right - 1]) / (have[right] - have[right - 1])).clip(0, 1).astype(values.dtype)
    return values[..., right - 1] * (1 - share) + values[..., right] * share


def squared_distances(a: Float[np.ndarray, "n c"], b: Float[np.ndarray, "m c"]) -> Float[np.ndarray, "n m"]:
    return sum((ours[:, None] - theirs) ** 2 for ours, theirs in zip(a.T, b.T, strict=True))
