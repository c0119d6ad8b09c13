"""How the files of a batch are read and written, and what reading one gives."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmha_cli.inference.blend import Blend
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.size import MAX_PIXELS
from glmha_cli.io.photos.write import JPEG_QUALITY
from glmha_cli.io.videos.frame import Moment
from glmha_cli.physics.wavelengths import DEFAULT_LIGHT
from glmha_cli.weights.integrity import sha256_of


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How files are read and written.

    max_pixels: larger photos are refused before decoding. strict: so are those with damage beside their pixels.
    frame: which of several pages or frames, of a photo or a video, from 0; None for all.
    mask, key, normalise, step: of measurements.
    illuminant: the light of photos of which cubes are made, see `physics.illuminants`. clipped, uncertainty: what is
        written beside a cube, see `companions`; for several inputs folders.
    strength, only: how much of its correction a photo gets, and in which area: a mask, or a folder of masks (`areas`).
    quality: JPEG and WebP, 1..100. strip_metadata: of photos. provenance: say in outputs how they were made.
    """

    max_pixels: int = MAX_PIXELS
    strict: bool = False
    frame: int | None = None
    mask: Path | None = None
    key: str | None = None
    normalise: bool = False
    step: int = 2
    illuminant: str = DEFAULT_LIGHT
    clipped: Path | None = None
    uncertainty: Path | None = None
    strength: float = 1.0
    only: Path | None = None
    quality: int = JPEG_QUALITY
    strip_metadata: bool = False
    provenance: bool = True

    def __post_init__(self) -> None:
        """UsageError for a strength that is none."""
        Blend(strength=self.strength)

    def settings(self) -> dict[str, Any]:
        """What an output depends on; of the mask its content. Raises OSError where the mask cannot be read.

        `areas.settings_for` adds what `only` means for a job.
        """
        mask = self.mask and sha256_of(self.mask)
        measured = Path(self.illuminant)
        light = sha256_of(measured) if measured.suffix else self.illuminant
        return {**self._values(), "illuminant": light, "mask": mask, "provenance": self.provenance}

    def choices(self) -> dict[str, str]:
        """What differs from the defaults, as an output says it; of masks their names, as outputs are passed on."""
        values = {**self._values(), "mask": self.mask and self.mask.name, "only": self.only and self.only.name}
        changed = {name: value for name, value in values.items() if value != getattr(FileOptions, name)}
        return {name: "true" if value is True else str(value) for name, value in changed.items()}

    def _values(self) -> dict[str, Any]:
        return {
            "frame": self.frame,
            "key": self.key,
            "normalise": self.normalise,
            "step": self.step,
            "illuminant": Path(self.illuminant).name,
            "strength": self.strength,
            "quality": self.quality,
            "strip_metadata": self.strip_metadata,
        }


@dataclass(frozen=True, kw_only=True)
class Source:
    """An input as read: what the task's `prepare` takes, the photo it came from, and what the user should know.

    blend: how much of its correction it gets. moment: of a frame of a video, when it is shown.
    """

    value: Any
    photo: Photo | None
    notes: tuple[str, ...]
    blend: Blend = field(default_factory=Blend)
    moment: Moment | None = None
