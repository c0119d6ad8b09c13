"""JPEG XL (ISO/IEC 18181), bare or in boxes, read only: its header here (jpegxl_header.py), libjxl for the pixels."""

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.alpha import say_left_out, straight
from glmha_cli.io.photos.formats.base import Stored, full_range, require_size
from glmha_cli.io.photos.formats.isobmff import boxes, exif_of, file_boxes
from glmha_cli.io.photos.formats.jpegxl_header import Header, read_header
from glmha_cli.io.photos.metadata import Extra, Findings, Kind, Metadata

_BARE = b"\xff\x0a"
_KNOWN = {b"JXL ", b"ftyp", b"jxlc", b"jxlp", b"jxll", b"jxli", b"jbrd"}
_METADATA, _PACKED = {b"Exif", b"xml "}, b"brob"
_UNPACKED_MAX_BYTES = 16 << 20  # as of a PNG


def decode(data: bytes, max_pixels: int) -> Stored:
    import imagecodecs

    findings = Findings()
    header = read_header(_codestream(data))
    require_size(header.width, header.height, max_pixels)
    if header.is_animated:
        raise BadDataError("holds several frames (animated JPEG XL)", "convert it to an animated PNG first")
    metadata = _metadata(data, header, findings)
    samples = imagecodecs.jpegxl_decode(data, numthreads=1)
    if samples.ndim not in (2, 3) or samples.shape[2:] not in ((), (1,), (2,), (3,), (4,)):
        raise BadDataError("not gray or RGB with alpha at most", "convert it to PNG or TIFF first")
    if samples.dtype.kind == "f" or header.bit_depth > 16:
        raise BadDataError("its samples are floating point, or of more than 16 bit", "convert it to TIFF first")
    samples = full_range(samples, header.bit_depth)
    has_alpha = samples.shape[2] in (2, 4)
    say_left_out(header.num_others + len(header.alphas) - has_alpha, findings)
    if has_alpha and header.alphas[:1] == (True,):
        samples = straight(samples, findings)
    # libjxl turns the picture as the header says; EXIF only repeats it.
    return Stored(
        samples=samples,
        metadata=metadata,
        findings=findings,
        orientation=1,
        turned=header.orientation,
    )


def _codestream(data: bytes) -> bytes:
    """As much of it as the header takes."""
    if data.startswith(_BARE):
        return data
    for kind, at, end in boxes(data, 0, len(data)):
        if kind in (b"jxlc", b"jxlp"):
            return data[at + (4 if kind == b"jxlp" else 0) : end]
    raise BadDataError("damaged: it holds no codestream")


def _metadata(data: bytes, header: Header, findings: Findings) -> Metadata:
    found: dict[bytes, bytes] = {}
    left_out = []
    for kind, at, end in () if data.startswith(_BARE) else file_boxes(data, (b"jxlc", b"jxlp"), findings):
        is_packed = kind == _PACKED
        kind, at = (data[at : at + 4], at + 4) if is_packed else (kind, at)
        if kind in _METADATA and kind not in found:
            found[kind] = _unpacked(kind, data[at:end], findings) if is_packed else data[at:end]
        elif kind not in _KNOWN:
            left_out.append(kind.decode("latin-1").strip())
    findings.left_out("JPEG XL boxes", left_out)
    if header.has_profile:
        findings.notes.append("its ICC profile was left out: taken as sRGB")
    colours = (Extra(kind=Kind.CICP, body=header.cicp, key=b"cICP"),) if header.cicp else ()
    return Metadata(exif=exif_of(found.get(b"Exif", b"")), xmp=found.get(b"xml ", b""), extras=colours)


def _unpacked(kind: bytes, body: bytes, findings: Findings) -> bytes:
    """What a box holds that is compressed by Brotli, as cjxl writes them ("brob" of ISO/IEC 18181-2)."""
    import imagecodecs

    try:
        return bytes(imagecodecs.brotli_decode(body, out=_UNPACKED_MAX_BYTES))
    except RuntimeError:  # imagecodecs.BrotliError, of what unpacks to more as well
        findings.damage.append(f"box {kind.decode('ascii').strip()}")
        return b""
