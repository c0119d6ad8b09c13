"""Lights as users name them: one of the CIE's, or a file of a measured one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glmha_cli.physics.colour import Light
    from glmha_cli.physics.illuminants import Power


def named_power(name: str) -> Power:
    """UsageError for a name that is none, NoInputError or BadDataError for a file."""
    from glmha_cli.io.guard import reading
    from glmha_cli.io.spectrum_file import SUFFIXES, read_spectrum
    from glmha_cli.physics.illuminants import measured, power_of

    if Path(name).suffix.lower() not in SUFFIXES:
        return power_of(name)
    nm, power = read_spectrum(Path(name))
    with reading(Path(name), "a light"):
        return measured(nm, power)


def named_light(name: str) -> Light:
    """As `named_power`; of D65 the tables that the network has learnt with."""
    from glmha_cli.physics.colour import D65
    from glmha_cli.physics.illuminants import light_of
    from glmha_cli.physics.wavelengths import DEFAULT_LIGHT

    return D65 if name.upper() == DEFAULT_LIGHT else light_of(tuple(named_power(name).tolist()))
