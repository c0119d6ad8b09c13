"""AVIF (AV1 Image File Format 1.2), read only: Pillow for its header, imagecodecs for 8, 10 and 12 bit."""

import io
from typing import TYPE_CHECKING

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, full_range, require_single, require_size
from glmha_cli.io.photos.formats.heif_items import Container, Item, without
from glmha_cli.io.photos.formats.isobmff import exif_of, read_container
from glmha_cli.io.photos.metadata import Findings, Metadata

if TYPE_CHECKING:
    from PIL.AvifImagePlugin import AvifImageFile


def decode(data: bytes, max_pixels: int) -> Stored:
    import imagecodecs
    from PIL.AvifImagePlugin import AvifImageFile

    findings = Findings()
    container = read_container(data, findings)
    bit_depth = _bit_depth(container.primary)
    if container.alpha and _bit_depth(container.alpha) != bit_depth:
        findings.damage.append("alpha (of another bit depth than the colours)")
        data = without(data, container.links)  # decoders refuse two depths in one picture
    image = AvifImageFile(io.BytesIO(without(data, container.exif_at)))  # Pillow warns of EXIF, and writes it anew
    require_size(*image.size, max_pixels)
    require_single(image.n_frames, "frames (animated AVIF)")
    samples = imagecodecs.avif_decode(data, numthreads=1)
    if samples.shape[1::-1] != image.size:
        raise BadDataError("damaged: its picture is not of the size it declares")
    container.left_behind(findings)
    metadata = _metadata(image, data, container)
    return Stored(
        samples=container.cropped(full_range(samples, bit_depth), findings),
        metadata=metadata,
        findings=findings,
        orientation=container.orientation,
    )


def _bit_depth(item: Item) -> int:
    """From the flags of its AV1CodecConfigurationBox (AV1 in ISOBMFF 1.3, section 2.3.3); of a grid, of its tiles."""
    configuration = item.first(b"av1C")
    if len(configuration) >= 3:
        return {0: 8, 2: 10, 3: 12}.get(configuration[2] >> 5 & 3, 8)
    pixels = item.first(b"pixi")  # PixelInformationProperty: version and flags, channels, bits of each
    if len(pixels) >= 6:
        return pixels[5]
    raise BadDataError("damaged: it does not state its bit depth")


def _metadata(image: "AvifImageFile", data: bytes, container: Container) -> Metadata:
    return Metadata(
        exif=exif_of(container.data(data, b"Exif")),
        icc_profile=image.info.get("icc_profile") or b"",
        xmp=image.info.get("xmp", b""),
        extras=container.extras(data),
    )
