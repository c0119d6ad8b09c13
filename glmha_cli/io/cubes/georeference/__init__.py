"""Georeferences from and to GeoTIFF tags and ENVI fields; rasterio, where it is installed, knows what they mean.

What a file had goes back into a file of its format unchanged. For another format it is translated: UTM zones and codes
of EPSG by themselves, all else by rasterio (the extra `geo`).
"""
