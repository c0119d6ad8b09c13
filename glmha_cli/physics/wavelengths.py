"""The two wavelength grids the tasks work on, in nanometres, and the light that colours of cubes are meant in."""

DEFAULT_LIGHT = "D65"

RGB2HSI_NM: tuple[float, ...] = tuple(float(nm) for nm in range(400, 701, 10))
"""31 bands, 400 to 700 nm in steps of 10: the grid of the NTIRE spectral reconstruction challenges."""

SCI_NM: tuple[float, ...] = (
    453.5, 457.5, 462.0, 466.0, 471.5, 476.5, 481.5, 487.0, 492.5, 498.0, 504.0, 510.0, 516.0, 522.5,
    529.5, 536.5, 544.0, 551.5, 558.5, 567.5, 575.5, 584.5, 594.5, 604.0, 614.5, 625.0, 636.5, 648.0,
)  # fmt: skip
"""28 bands: the centres of the TSA-Net prototype, two detector pixels of dispersion apart."""
