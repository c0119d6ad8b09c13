"""ENVI pairs as they are written: BSQ, float32, little-endian."""

from pathlib import Path

from einops import rearrange

from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import files_of
from glmha_cli.io.cubes.formats.envi_header import STRUCTURE, as_item, as_name, as_value, header_text, listed
from glmha_cli.io.cubes.georeference.envi import to_envi
from glmha_cli.io.cubes.model import Cube
from glmha_cli.io.cubes.rgb import nearest_bands
from glmha_cli.io.cubes.stream import CubeStream, as_written


def write(path: Path, cube: Cube | CubeStream, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """Write both files, the header last, a cube by rows block by block. Each is whole or absent.

    Killed between the two moves of an overwrite, the old header stands beside the new data: it describes them
    (same size) or is refused when read (another size).
    """
    blocks, nodata = as_written(cube)
    header, data = files_of(path)
    fields, notes = _header(cube, nodata, provenance)
    height, width, bands = cube.shape
    with (
        atomic_output(header, overwrite=overwrite) as temporary_header,
        atomic_output(data, overwrite=overwrite) as temporary_data,
    ):
        with temporary_data.open("wb") as file:
            for start, values in blocks:
                planes = rearrange(values, "h w bands -> bands h w").astype("<f4")
                for band in range(bands):
                    file.seek(4 * width * (band * height + start))
                    planes[band].tofile(file)
        temporary_header.write_text(header_text(fields), encoding="utf-8", newline="\n")
    return notes


def _header(
    cube: Cube | CubeStream, nodata: float | None, provenance: str
) -> tuple[dict[str, object], tuple[str, ...]]:
    h, w, bands = cube.shape
    tags, description = dict(cube.facts.tags), cube.facts.tags.get("description", "")
    for name in ("provenance", "description"):
        tags.pop(name, None)
    if provenance and not description:
        description = f"{{{_without_braces(provenance)}}}"
    elif provenance:
        tags["provenance"] = f"{{{_without_braces(provenance)}}}"
    fields: dict[str, object] = {"description": f"{{{as_value(description).strip('{}')}}}"} if description else {}
    fields |= {
        "samples": w,
        "lines": h,
        "bands": bands,
        "header offset": 0,
        "file type": "ENVI Standard",
        "data type": 4,
        "interleave": "bsq",
        "byte order": 0,
    }
    if nodata is not None:
        fields["data ignore value"] = f"{nodata:.17g}"
    fields |= _spectral_fields(cube)
    place, note = to_envi(cube.facts.georeference) if cube.facts.georeference else ({}, "")
    band_tags = {name: listed(map(as_item, items)) for name, items in cube.facts.band_tags.items()}
    texts = {name: as_value(text) for name, text in tags.items()} | band_tags
    lost = sorted(name for name in texts if as_name(name) in STRUCTURE)
    fields |= place | {as_name(name): text for name, text in texts.items() if name not in lost}
    notes = [note] if note else []
    notes += [f"tags that ENVI has fields of its own for are left out: {', '.join(lost)}"] if lost else []
    return fields, tuple(notes)


def _spectral_fields(cube: Cube | CubeStream) -> dict[str, str]:
    names = cube.facts.band_names or tuple(f"{nm:.10g} nm" for nm in cube.wavelength_nm)
    named = [as_item(name) or f"Band {i}" for i, name in enumerate(names, start=1)]
    fields = {"band names": listed(named)} if named else {}
    if cube.facts.good_bands:
        fields["bbl"] = listed(map(int, cube.facts.good_bands))
    if cube.wavelength_nm:
        fields |= {
            "wavelength units": "Nanometers",
            "wavelength": listed(f"{nm:.10g}" for nm in cube.wavelength_nm),
            "default bands": listed(1 + band for band in nearest_bands(cube.wavelength_nm)),
        }
    if cube.facts.fwhm_nm:
        fields["fwhm"] = listed(f"{nm:.10g}" for nm in cube.facts.fwhm_nm)
    return fields


def _without_braces(json_text: str) -> str:
    """The inside of a JSON object: the field's own braces make it whole, others would end the field."""
    return json_text[1:-1].translate({ord(brace): f"\\u{ord(brace):04x}" for brace in "{}"})
