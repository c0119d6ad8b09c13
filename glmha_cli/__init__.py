"""glmha: restore photos and reconstruct spectra with GLMHA networks.

from glmha_cli import GLMHA                # the attention as a layer for your network, (b, c, h, w) in and out
from glmha_cli import replace_attention    # another attention in one of ours
"""

from typing import Any

from glmha_cli.privacy import switch_telemetry_off

switch_telemetry_off()  # before anything imports what it is about

__version__ = "0.1.0"

_PUBLIC = {
    "GLMHA": "glmha_cli.attention.module:GLMHA",
    "replace_attention": "glmha_cli.networks.replace:replace_attention",
}
__all__ = ["GLMHA", "__version__", "replace_attention"]


def __getattr__(name: str) -> Any:
    """Public names, imported when asked for: they need torch, which `glmha --help` must not load."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'glmha_cli' has no attribute '{name}'")
    from glmha_cli.lookup import import_target

    return import_target(_PUBLIC[name])
