"""What each format keeps of a cube beside its values, and where. What has no place is named when it is lost."""

from collections.abc import Mapping

from glmha_cli.io.cubes.model import Facts

KEPT: Mapping[str, Mapping[str, str]] = {
    "wavelength_nm": {
        "tiff": "GDAL_METADATA wavelength", "envi": "wavelength", "mat": "bands", "npz": "wavelength_nm",
        "netcdf": "wavelength", "zarr": "wavelength",
    },
    "fwhm_nm": {
        "tiff": "GDAL_METADATA FWHM_UM", "envi": "fwhm", "mat": "fwhm_nm", "npz": "fwhm_nm", "netcdf": "fwhm",
        "zarr": "fwhm",
    },
    "band_names": {
        "tiff": "GDAL_METADATA DESCRIPTION", "envi": "band names", "mat": "band_names", "npz": "band_names",
        "netcdf": "band_name", "zarr": "attribute band_names",
    },
    "good_bands": {
        "tiff": "GDAL_METADATA bbl", "envi": "bbl", "mat": "good_bands", "npz": "good_bands", "netcdf": "good_band",
        "zarr": "good_band",
    },
    "nodata": {
        "tiff": "GDAL_NODATA", "envi": "data ignore value", "mat": "nodata", "npz": "nodata", "netcdf": "_FillValue",
        "zarr": "_FillValue",
    },
    "georeference": {
        "tiff": "GeoTIFF tags", "envi": "map info, coordinate system string", "mat": "crs, transform",
        "npz": "crs, transform", "netcdf": "grid mapping crs", "zarr": "grid mapping crs",
    },
    "tags": {
        "tiff": "GDAL_METADATA, text tags", "envi": "fields", "mat": "tags", "npz": "tags", "netcdf": "attributes",
        "zarr": "attributes",
    },
    "band_tags": {
        "tiff": "GDAL_METADATA", "envi": "fields", "mat": "band_tags", "npz": "band_tags", "netcdf": "band_tags",
        "zarr": "attribute band_tags",
    },
}  # fmt: skip
"""What a cube knows -> format -> the name of its place there. .npy holds the values alone."""

_NAMES = {
    "wavelength_nm": "wavelengths", "fwhm_nm": "band widths (FWHM)", "band_names": "names of bands",
    "good_bands": "bad bands", "nodata": "number for no data", "georeference": "georeference", "tags": "tags",
    "band_tags": "tags of bands",
}  # fmt: skip


def losses(facts: Facts, format_name: str) -> tuple[str, ...]:
    """What a file of this format cannot hold of what is known of a cube, as a note; none if it holds all."""
    lost = [
        _NAMES[key]
        for key, places in KEPT.items()
        if getattr(facts, key) not in (None, (), {}) and format_name not in places
    ]
    return (
        (f".{format_name} has no place for its {', '.join(lost)}: left out (.npz and .tif keep them)",) if lost else ()
    )
