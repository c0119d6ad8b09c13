"""Camera raw files by LibRaw (rawpy: the optional extra `raw`), read only.

Developed as the networks know photos: the camera's white balance, sRGB primaries and curve, 16 bit, the exposure as it
was taken. Nothing is stretched by what else is in the picture, so that the photos of a series stay alike.
"""

import importlib.util
import io
from typing import TYPE_CHECKING, Any

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.photos.formats import jpeg_segments
from glmha_cli.io.photos.formats.base import Stored, require_size
from glmha_cli.io.photos.formats.jpeg_parts import taken_apart
from glmha_cli.io.photos.metadata import Findings, Kind, Metadata
from glmha_cli.io.tiff_file import pages_of

if TYPE_CHECKING:
    from tifffile import TiffFile

_DNG_VERSION = 50706
_OF_SENSORS = {32803, 34892}  # PhotometricInterpretation: CFA, LinearRaw (DNG 1.7)
_TURNED = {1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}  # LibRaw's number for the way up, as EXIF numbers it
_SRGB_CURVE = (2.4, 12.92)  # power, and slope of the part near black (IEC 61966-2-1)


def decode(data: bytes, max_pixels: int) -> Stored:
    if importlib.util.find_spec("rawpy") is None:
        raise UsageError("camera raw files need the optional package rawpy", extra_command("raw"))
    import rawpy

    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            require_size(raw.sizes.raw_width, raw.sizes.raw_height, max_pixels)
            findings = Findings()
            samples = raw.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=_SRGB_CURVE,
                output_bps=16,
            )
            turned = _TURNED.get(raw.sizes.flip, 1)
            metadata = _metadata(raw, data, findings)
            return Stored(samples=samples, metadata=metadata, findings=findings, orientation=1, turned=turned)
    except rawpy.LibRawError as error:
        raise BadDataError(f"damaged, or not of a camera that LibRaw knows ({_text(error)})") from error


def is_raw(tif: "TiffFile") -> bool:
    """Whether a TIFF is a DNG, or the raw file of a camera: the light of single pixels, in one of its directories."""
    pages = pages_of(tif)
    if _DNG_VERSION in pages[0].tags:
        return True
    below = (page for first in pages for page in (first, *(first.pages or ())))
    return any(int(page.photometric) in _OF_SENSORS for page in below if page.photometric is not None)


def _text(error: Exception) -> str:
    message = error.args[0] if error.args else error
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)


def _metadata(raw: Any, data: bytes, findings: Findings) -> Metadata:
    """EXIF of the preview that cameras put in, or of the file itself where it is a TIFF (DNG, NEF, ARW, CR2).

    XMP of a raw file can say how it is to be developed, which would be done a second time to the photo.
    """
    found = _of_tiff(data)
    found = found if found.exif else _of_preview(raw, findings)
    beside = {"XMP": found.xmp, "IPTC": found.of(Kind.PHOTOSHOP)}
    findings.left_out("side data", (name for name, is_there in beside.items() if is_there))
    return Metadata(exif=found.exif)


def _of_tiff(data: bytes) -> Metadata:
    from glmha_cli.io.photos.formats import tiff_tags

    if data[:4] not in (b"II*\0", b"MM\0*"):
        return Metadata()
    at = int.from_bytes(data[4:8], "little" if data[:1] == b"I" else "big")
    findings = Findings()
    return tiff_tags.metadata_of(tiff_tags.read_directories(data, at, findings), findings)


def _of_preview(raw: Any, findings: Findings) -> Metadata:
    import rawpy

    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return Metadata()
    if preview.format != rawpy.ThumbFormat.JPEG:
        return Metadata()
    try:
        return jpeg_segments.metadata_of(taken_apart(preview.data), Findings())
    except BadDataError:  # the picture itself is that of the sensor
        findings.damage.append("preview")
        return Metadata()
