"""The Lightning module: one restoration network, its loss, optimiser, schedule and validation scores."""

import math
from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import torch
from jaxtyping import Float, Float16, UInt8
from torch import Tensor, nn

from glmha_cli.errors import BadDataError
from glmha_cli.lookup import resolve
from glmha_cli.networks import network_from_plain
from glmha_cli.shapes import pad_to
from glmha_cli.tasks import TASKS
from glmha_cli.training.losses import LOSSES, of_stages
from glmha_cli.training.optimizers import OPTIMIZERS
from glmha_cli.training.recipe import Recipe
from glmha_cli.training.scores import BESIDE, SCORES


def to_network(batch: UInt8[Tensor, "b h w c"] | Float16[Tensor, "b h w c"]) -> Float[Tensor, "b c h w"]:
    """float32, channels-last in memory without a copy of layout; bytes become [0, 1]."""
    values = batch.permute(0, 3, 1, 2).float()
    return values / 255 if batch.dtype == torch.uint8 else values


def restore(network: nn.Module, inputs: Sequence[Tensor], multiple: int) -> Float[np.ndarray, "h w c"]:
    """Whole inputs (1, h, w + extra, c) through the network, padded to a size it takes as the tool pads; in [0, 1]."""
    height, width = inputs[0].shape[1:3]
    missing = -height % multiple, -width % multiple
    padded = [pad_to(part[0].cpu().numpy(), part.shape[1] + missing[0], part.shape[2] + missing[1]) for part in inputs]
    # A compiled network would be compiled anew for every size of photo.
    result = network.forward(*(to_network(torch.from_numpy(part)[None].to(inputs[0].device)) for part in padded))
    result = result[0, :, :height, :width].float().clamp(0, 1)
    return result.permute(1, 2, 0).cpu().numpy()


def stored_like(reference: np.ndarray, result: Float[np.ndarray, "h w c"]) -> np.ndarray:
    """The result as it is scored: photos as files hold them, all else as it is."""
    return np.rint(result * 255).astype(np.uint8) if reference.dtype == np.uint8 else result


LASTING = "lasting"
"""Key of a run's checkpoint: what of its recipe a resumed run cannot change, since the state of the optimiser holds it,
or the batches so far stem from it."""


def lasting(recipe: Recipe) -> dict[str, str | int | float]:
    schedule = recipe.schedule
    return {
        "task": recipe.task,
        "seed": recipe.seed,
        "optimizer": recipe.optimizer,
        "learning_rate": schedule.learning_rate,
        "weight_decay": schedule.weight_decay,
    }


class Restoration(lightning.LightningModule):
    """Trains `recipe`'s network on batches of (inputs, target); validates by the task's PSNR per named set.

    teacher: a network to imitate; the loss then is the mean of those against its result and against the target.
    """

    def __init__(self, recipe: Recipe, set_names: list[str], teacher: nn.Module | None = None) -> None:
        super().__init__()
        self.teachers = () if teacher is None else (teacher,)  # no part of this module, of its averages and checkpoints
        torch.manual_seed(recipe.seed)
        self.recipe, self.set_names = recipe, set_names
        protocol = resolve(TASKS, recipe.task, "task").protocol
        self.metrics = {"psnr": SCORES[protocol], **BESIDE.get(protocol, {})}
        self.network_config = network_from_plain(recipe.network)
        self.network = self.network_config.build().to(memory_format=torch.channels_last)
        if recipe.deep_supervision and not hasattr(self.network, "estimates"):
            raise BadDataError(f"network {recipe.network['name']} has no stages", "deep_supervision = false")
        self.loss = resolve(LOSSES, recipe.loss, "loss")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[LASTING] = lasting(self.recipe)

    def configure_optimizers(self) -> Any:
        schedule = self.recipe.schedule
        make = resolve(OPTIMIZERS, self.recipe.optimizer, "optimizer")
        optimizer = make(self.network, schedule.learning_rate, schedule.weight_decay)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rates, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """By torch itself: Lightning refuses to clip for a fused optimiser, though nothing is scaled in bfloat16."""
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val or math.inf)

    def training_step(self, batch: tuple[Sequence[Tensor], Tensor], _: int) -> Tensor:
        inputs, target = batch
        given = [to_network(part) for part in inputs]
        predictions = self.predictions(given)
        targets = [to_network(target), *self.taught(given)]
        losses = [of_stages(self.loss, [each.float() for each in predictions], wanted) for wanted in targets]
        loss = torch.stack(losses).mean()
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, batch_size=len(target), sync_dist=True)
        return loss

    @torch.no_grad()
    def taught(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The teacher's result, if there is one."""
        return [teacher.to(inputs[0].device)(*inputs).float() for teacher in self.teachers]

    def predictions(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """What the loss looks at: the result, or what every stage gives."""
        if not self.recipe.deep_supervision:
            return [self.network(*inputs)]
        return self.network.estimates(*inputs)

    def validation_step(self, batch: tuple[Sequence[Tensor], Tensor], _: int, dataloader_idx: int = 0) -> None:
        inputs, target = batch
        result = restore(self.network, inputs, self.network_config.size_multiple)
        reference = target[0].cpu().numpy()
        result = stored_like(reference, result)
        for metric, measure in self.metrics.items():
            self.log(
                f"{metric}_{self.set_names[dataloader_idx]}",
                measure(result, reference),
                add_dataloader_idx=False,
                on_step=False,
                on_epoch=True,
                batch_size=1,
                sync_dist=True,
            )
