"""What MATLAB's and NumPy's files say of the bands of a cube: variables of wavelengths and of names."""

import math
import re
from dataclasses import replace

import numpy as np

from glmha_cli.io.cubes.formats.labelled import numbers_of
from glmha_cli.io.cubes.variable import Variable
from glmha_cli.io.cubes.variables import Variables
from glmha_cli.io.cubes.wavelengths import as_written

_WAVELENGTHS = ("wavelength_nm", "wavelengths_nm", "bands", "wavelength", "wavelengths", "wl", "lambda")
IN_NM = ("wavelength_nm", "wavelengths_nm")
"""By their names; of the others the numbers tell (see `unit_told`)."""


def wavelengths_of(
    variables: Variables, folder: str, shape: tuple[int, ...]
) -> tuple[list[float], str, tuple[str, ...]]:
    """(wavelengths, their unit, notes) of the variable that holds them: beside the cube, else anywhere in the file.

    One whose unit is told goes before all others.
    """
    found: list[tuple[list[float], str, tuple[str, ...]]] = []
    unfit: list[str] = []
    for name, variable in _lists(variables, folder):
        (place, bare), size = split(name), math.prod(variable.shape)
        beside = place == folder
        fits = size in (shape if beside else shape[-1:])  # lists from elsewhere do not tell which axis is of the bands
        if fits or (size and beside and bare in IN_NM):  # of a wrong length they are refused later
            numbers = variable().ravel()
            unit = "nm" if bare in IN_NM else unit_told(numbers, bare)
            found.append((as_written(numbers), unit, () if beside else (f"its wavelengths are those of '{name}'",)))
        elif size > 1 and beside:
            unfit.append(f"its variable '{name}' has {size} numbers, as many as no side of the cube: left out")
    wavelengths, unit, notes = next((each for each in found if each[1]), found[0] if found else ([], "nm", ()))
    return wavelengths, unit, (*notes, *unfit)


def _lists(variables: Variables, folder: str) -> list[tuple[str, Variable]]:
    """The variables that may hold wavelengths, as numbers or texts, those beside the cube first."""
    called = {name: each for name, each in variables.items() if split(name)[1] in _WAVELENGTHS}
    found = [(name, _in_numbers(each)) for name, each in called.items() if each.is_numeric or each.is_text]
    return sorted(found, key=lambda each: (split(each[0])[0] != folder, _WAVELENGTHS.index(split(each[0])[1])))


def _in_numbers(variable: Variable) -> Variable:
    """Texts as the numbers that they hold, none where they hold something else."""
    numbers = numbers_of(variable()) if variable.is_text else np.empty(0)
    return replace(variable, shape=numbers.shape, read=lambda: numbers) if variable.is_text else variable


def split(name: str) -> tuple[str, str]:
    """(the structure that holds a variable, with a dot behind it; its own name in lower case)."""
    at = name.rfind(".") + 1
    return name[:at], name[at:].lower()


def unit_told(numbers: np.ndarray, name: str) -> str:
    """Between 100 and 20000 they are nm, between 0.1 and 20 µm; but whole numbers called bands may count these."""
    low, high = numbers.min(), numbers.max()
    if low >= 100 and high <= 20_000:
        return "nm"
    is_count = name == "bands" and not (numbers % 1).any()
    return "um" if low >= 0.1 and high <= 20 and not is_count else ""


def names_of_bands(variables: Variables, folder: str) -> list[str]:
    """Texts in a list of NumPy or a cell of MATLAB, or as `variables_of` writes them: one text, a line for each."""
    place = f"{folder}band_names"
    names = [name for name in variables if name == place or re.fullmatch(r"\{\d+\}", name.removeprefix(place))]
    texts = [str(text) for name in names if variables[name].is_text for text in variables[name]().ravel()]
    return texts[0].split("\n") if len(texts) == 1 and texts[0] else texts
