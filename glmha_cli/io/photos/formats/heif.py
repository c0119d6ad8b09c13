"""HEIC (HEVC in HEIF, ISO/IEC 23008-12), read only, by libheif: the optional extra `heif`, since HEVC has patents.

Decoded in a process of its own (this module run as a program: file on stdin, arrays on stdout), because a damaged
file can crash it (pi-heif 1.4: a fault in one of a hundred damaged files); a batch must lose that file alone.
"""

import importlib.util
import io
import os
import subprocess
import sys

import numpy as np

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.photos.formats.alpha import straight
from glmha_cli.io.photos.formats.base import Stored, full_range, require_single, require_size
from glmha_cli.io.photos.formats.isobmff import read_container
from glmha_cli.io.photos.metadata import Findings, Metadata

_MODES = {"L", "LA", "RGB", "RGBA", "La", "RGBa"}  # the last two: multiplied by their alpha
_REFUSED = BadDataError.exit_code


def decode(data: bytes, max_pixels: int) -> Stored:
    if importlib.util.find_spec("pi_heif") is None:
        raise UsageError("HEIC photos need the optional package pi-heif", extra_command("heif"))
    command = [sys.executable, "-P", "-m", __spec__.name, str(max_pixels)]  # -P: run no module of the current folder
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))}
    done = subprocess.run(command, input=data, capture_output=True, env=environment, check=False)
    if done.returncode == _REFUSED:
        raise BadDataError(*done.stderr.decode(errors="replace").split("\0"))
    if done.returncode != 0:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise BadDataError(f"damaged: {last_line or 'its decoder crashed'}")
    answer = io.BytesIO(done.stdout)
    samples, exif, icc_profile, xmp = (np.load(answer, allow_pickle=False) for _ in range(4))
    findings = Findings()
    container = read_container(data, findings)
    if container.primary.multiplied_by is not None and samples.shape[2] in (2, 4):
        samples = straight(samples, findings)
    container.left_behind(findings)
    metadata = Metadata(
        exif=exif.tobytes(),
        icc_profile=icc_profile.tobytes(),
        xmp=xmp.tobytes(),
        extras=container.extras(data),
    )
    # libheif applies the file's own rotation and mirror, which the EXIF only repeats.
    return Stored(samples=samples, metadata=metadata, findings=findings, orientation=1, turned=container.orientation)


def _answer(data: bytes, max_pixels: int) -> list[np.ndarray]:
    """Samples, EXIF, ICC profile and XMP of the only picture of a file."""
    import pi_heif

    pictures = pi_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    require_single(len(pictures), "pictures")
    picture, info = pictures[0], pictures[0].info
    width, height = picture.size
    require_size(width, height, max_pixels)
    mode, _, bits = picture.mode.partition(";")
    if mode not in _MODES:
        raise BadDataError(f"its colour mode is {picture.mode}, not gray or RGB with alpha", "convert it to PNG first")
    samples = full_range(np.asarray(picture), int(bits or 8))
    exif = info["exif"] or b""
    texts = (exif, info.get("icc_profile", b""), info.get("xmp", b""))
    return [samples, *(np.frombuffer(text, np.uint8) for text in texts)]


def _main() -> int:
    try:
        arrays = _answer(sys.stdin.buffer.read(), int(sys.argv[1]))
    except BadDataError as error:
        sys.stderr.write(f"{error.message}\0{error.hint}")
        return _REFUSED
    for array in arrays:
        np.save(sys.stdout.buffer, array)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
