"""GDAL's metadata in a TIFF (tag 42112, XML): what it says of bands, and what it says of a cube as a whole."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from glmha_cli.io.cubes.model import UNITS, Cube
from glmha_cli.io.cubes.wavelengths import in_names, said_names, to_nanometres

if TYPE_CHECKING:
    from glmha_cli.io.cubes.stream import CubeStream

Items = dict[tuple[str, int], str]
"""(name of the item, 0-based band; -1: the whole) -> text. Of a domain other than GDAL's own: "DOMAIN:name"."""

_WAVELENGTH, _FWHM, _CENTRE = "wavelength", "IMAGERY:FWHM_UM", "IMAGERY:CENTRAL_WAVELENGTH_UM"
_UNITS, _WAVELENGTH_UNITS = "UNITTYPE", "wavelength_units"
_OWN = (_WAVELENGTH, _WAVELENGTH_UNITS, _FWHM, _CENTRE, "DESCRIPTION", "bbl", "SCALE", "OFFSET", _UNITS)
_WAVELENGTHS = dict.fromkeys((_WAVELENGTH, _CENTRE), "wavelengths")
_PROVENANCE = "GLMHA_PROVENANCE"
_OF_FILE = re.compile(rf"Band_\d+|{_WAVELENGTH_UNITS}|IMAGE_STRUCTURE:.*")
"""Of the whole: what GDAL says again of an ENVI file's bands, in their order there, and how a file is packed."""


def read_items(xml: str) -> tuple[Items, tuple[str, ...]]:
    """(the items, notes for the user): of damaged XML nothing is kept, which is said.

    Raises ParseError for damage that declares entities.
    """

    def name_of(element: ElementTree.Element) -> str:
        domain, name = element.get("domain", ""), element.get("name", "")
        return f"{domain}:{name}" if domain else name

    try:
        elements = ElementTree.fromstring(xml).iter("Item")
        return {(name_of(e), int(e.get("sample", -1))): (e.text or "").strip() for e in elements}, ()
    except (ElementTree.ParseError, ValueError):
        if "<!ENTITY" in xml:  # an attack, not an accident
            raise
        return {}, ("its GDAL metadata is damaged: dropped",)


def said_of_bands(items: Items, bands: int, names: Sequence[str] = ()) -> dict:
    """What `Stored` has of bands and tags. `wavelength` first: it has all digits, GDAL's own has four.

    names: of the bands, where the items have none.
    """
    texts = _per_band(items, _WAVELENGTH, bands)
    unit = items.get((_WAVELENGTH_UNITS, 0)) or items.get((_WAVELENGTH_UNITS, -1), "")
    bare = [] if texts is None else list(map(float, texts))
    wavelengths = to_nanometres(bare, unit)
    for name in (_CENTRE, "CENTRAL_WAVELENGTH_UM"):
        texts = None if wavelengths else _per_band(items, name, bands)
        wavelengths = wavelengths or ([] if texts is None else to_nanometres(list(map(float, texts)), "um"))
    described = [items.get(("DESCRIPTION", i)) or items.get((f"Band_{i + 1}", -1), "") for i in range(bands)]
    described = list(names) if len(names) == bands and not any(described) else described
    wavelengths = wavelengths or in_names(described)
    widths, good = _per_band(items, _FWHM, bands), _per_band(items, "bbl", bands)
    scale, offset = _numbers(items, "SCALE", bands, 1), _numbers(items, "OFFSET", bands, 0)
    others = {name for name, band in items if band >= 0 and name not in _OWN}
    units = {items.get((_UNITS, i), "") for i in range(bands)}
    tags = {name: text for (name, band), text in items.items() if band < 0 and not _OF_FILE.fullmatch(name)}
    if _PROVENANCE in tags:
        tags["provenance"] = tags.pop(_PROVENANCE)
    told = {_FWHM: "band widths (FWHM)", "bbl": "bad bands"} | ({} if wavelengths or bare else _WAVELENGTHS)
    return {
        "wavelengths": wavelengths or bare,
        "unit": "nm" if wavelengths or not bare else unit,
        "fwhm": [] if widths is None else to_nanometres(list(map(float, widths)), "um"),
        "value_units": units.pop() if len(units) == 1 else "",
        "scale": scale,
        "offset": offset,
        "band_names": said_names(described),
        "good_bands": [] if good is None else [text != "0" for text in good],
        "tags": tags,
        "band_tags": {name: tuple(items.get((name, i), "") for i in range(bands)) for name in sorted(others)},
        "notes": tuple(dict.fromkeys(_notes_on_some(items, told, bands))),
    }


def _notes_on_some(items: Items, told: Mapping[str, str], bands: int) -> Iterator[str]:
    """Of the items in `told`, those that some bands have and others do not."""
    for name, what in told.items():
        count = sum((name, i) in items for i in range(bands))
        if 0 < count < bands:
            yield f"names the {what} of {count} of its {bands} bands: left out"


def _per_band(items: Items, name: str, bands: int) -> list[str] | None:
    """The item's text for each band; None unless all bands have it."""
    texts = [text for i in range(bands) if (text := items.get((name, i))) is not None]
    return texts if len(texts) == bands else None


def _numbers(items: Items, name: str, bands: int, default: float) -> np.ndarray | None:
    """The item's number for each band, `default` for those without; None where no band has it."""
    texts = [items.get((name, i)) for i in range(bands)]
    return None if set(texts) == {None} else np.array([default if text is None else float(text) for text in texts])


def write_items(cube: "Cube | CubeStream", tags: Mapping[str, str], provenance: str) -> str:
    """The XML of all that a cube says of its bands, and of `tags`."""
    root = ElementTree.Element("GDALMetadata")

    def add(text: str, name: str, band: int | None = None, **attributes: str) -> None:
        domain, colon, rest = _for_xml(name).rpartition(":")
        placed = {"name": rest} | ({"sample": str(band)} if band is not None else {})
        placed |= {"domain": domain} if colon else {}
        ElementTree.SubElement(root, "Item", placed | attributes).text = _for_xml(text)

    if provenance:
        add(_without_markup(provenance), _PROVENANCE)
    for name, text in tags.items():
        if name != UNITS:
            add(text, name)
    for i in range(cube.shape[2]):
        for name, text, attributes in _of_band(cube, i):
            add(text, name, i, **attributes)
    return ElementTree.tostring(root, encoding="unicode")


def _of_band(cube: "Cube | CubeStream", i: int) -> list[tuple[str, str, dict[str, str]]]:
    """(name, text, further attributes) of a band's items."""
    found = []
    if cube.facts.band_names or cube.wavelength_nm:
        name = cube.facts.band_names[i] if cube.facts.band_names else f"{cube.wavelength_nm[i]:.10g} nm"
        found.append(("DESCRIPTION", name, {"role": "description"}))
    if cube.wavelength_nm:
        nm = cube.wavelength_nm[i]
        found += [(_CENTRE, f"{nm / 1000:.4f}", {}), (_WAVELENGTH, f"{nm:.10g}", {})]
        found += [(_WAVELENGTH_UNITS, "Nanometers", {})]
    if cube.facts.fwhm_nm:
        found.append((_FWHM, f"{cube.facts.fwhm_nm[i] / 1000:.10g}", {}))
    if UNITS in cube.facts.tags:
        found.append((_UNITS, cube.facts.tags[UNITS], {"role": "unittype"}))
    if cube.facts.good_bands:
        found.append(("bbl", str(int(cube.facts.good_bands[i])), {}))
    return found + [(name, texts[i], {}) for name, texts in cube.facts.band_tags.items() if texts[i]]


def _for_xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold (section 2.2): controls, surrogates, U+FFFE and U+FFFF."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def _without_markup(json_text: str) -> str:
    """JSON without & < >: GDAL resolves XML entities twice and cuts the text at a lone &."""
    return json_text.translate({ord(mark): f"\\u{ord(mark):04x}" for mark in "&<>"})
