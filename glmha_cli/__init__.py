"""glmha: restore photos and reconstruct spectra with GLMHA networks.

    import glmha_cli as glmha

    model = glmha.load("derain")
    clean = model(photo)                   # NumPy, PyTorch or Pillow in, the same out

For your own networks: `glmha.GLMHA` is the attention as a layer, `glmha.replace_attention` puts another attention
into one of ours.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glmha_cli.api.files import (
        read_cube,
        read_mask,
        read_measurement,
        read_photo,
        write_cube,
        write_photo,
    )
    from glmha_cli.api.model import Model, load
    from glmha_cli.attention.csa import CSAConfig
    from glmha_cli.attention.glmha import GLMHAConfig
    from glmha_cli.attention.linformer import LinformerConfig
    from glmha_cli.attention.module import GLMHA
    from glmha_cli.attention.performer import PerformerConfig
    from glmha_cli.attention.reformer import ReformerConfig
    from glmha_cli.enhancement.foreign import Projections
    from glmha_cli.enhancement.foreign import enhance_network as enhance
    from glmha_cli.errors import GlmhaError
    from glmha_cli.io.cubes.cube import Cube
    from glmha_cli.io.photos.read import Photo
    from glmha_cli.io.supervised import Supervised
    from glmha_cli.networks.replace import replace_attention

from glmha_cli.privacy import switch_telemetry_off

switch_telemetry_off()  # before anything imports what it is about

__version__ = "0.1.0"

_PUBLIC = {
    "CSAConfig": "glmha_cli.attention.csa:CSAConfig",
    "Cube": "glmha_cli.io.cubes.cube:Cube",
    "GLMHA": "glmha_cli.attention.module:GLMHA",
    "GLMHAConfig": "glmha_cli.attention.glmha:GLMHAConfig",
    "GlmhaError": "glmha_cli.errors:GlmhaError",
    "LinformerConfig": "glmha_cli.attention.linformer:LinformerConfig",
    "Model": "glmha_cli.api.model:Model",
    "PerformerConfig": "glmha_cli.attention.performer:PerformerConfig",
    "Photo": "glmha_cli.io.photos.read:Photo",
    "Projections": "glmha_cli.enhancement.foreign:Projections",
    "ReformerConfig": "glmha_cli.attention.reformer:ReformerConfig",
    "Supervised": "glmha_cli.io.supervised:Supervised",
    "enhance": "glmha_cli.enhancement.foreign:enhance_network",
    "load": "glmha_cli.api.model:load",
    "read_cube": "glmha_cli.api.files:read_cube",
    "read_mask": "glmha_cli.api.files:read_mask",
    "read_measurement": "glmha_cli.api.files:read_measurement",
    "read_photo": "glmha_cli.api.files:read_photo",
    "replace_attention": "glmha_cli.networks.replace:replace_attention",
    "write_cube": "glmha_cli.api.files:write_cube",
    "write_photo": "glmha_cli.api.files:write_photo",
}
__all__ = [
    "GLMHA",
    "CSAConfig",
    "Cube",
    "GLMHAConfig",
    "GlmhaError",
    "LinformerConfig",
    "Model",
    "PerformerConfig",
    "Photo",
    "Projections",
    "ReformerConfig",
    "Supervised",
    "__version__",
    "enhance",
    "load",
    "read_cube",
    "read_mask",
    "read_measurement",
    "read_photo",
    "replace_attention",
    "write_cube",
    "write_photo",
]


def __getattr__(name: str) -> Any:
    """Public names, imported when asked for: `import glmha_cli` loads neither NumPy nor PyTorch."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'glmha_cli' has no attribute '{name}'")
    from glmha_cli.lookup import import_target

    globals()[name] = value = import_target(_PUBLIC[name])
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
