"""A model as a reconstruction of deepinv (https://deepinv.github.io), to compare and combine with its own.

from glmha_cli.api.deepinv import GLMHAReconstructor
x_hat = GLMHAReconstructor("deblur")(y, physics)
"""

from typing import Any

import torch
from deepinv.models import Reconstructor
from jaxtyping import Float
from torch import Tensor

from glmha_cli.api.model import Model, load
from glmha_cli.errors import UsageError


class GLMHAReconstructor(Reconstructor):
    """A model that restores images, behind the interface of deepinv's reconstructors; it takes no gradients.

    model: what `glmha_cli.load` gives, or takes with its defaults. Raises UsageError for one that gives cubes.
    """

    def __init__(self, model: Model | str) -> None:
        super().__init__()
        self.model = load(model) if isinstance(model, str) else model
        if not self.model.task.restores_photos:
            raise UsageError(f"{self.model.task.name} gives a cube, and deepinv expects images", "model.cube(…)")

    @torch.no_grad()
    def forward(self, y: Float[Tensor, "b c h w"], physics: Any = None, **kwargs: Any) -> Float[Tensor, "b c h w"]:
        """y: gray or RGB, about in [0, 1]; what noise has driven out of it is clipped. `physics` is not read."""
        return self.model(y.clamp(0, 1))
