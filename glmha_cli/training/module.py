"""The Lightning module: one restoration network, its loss, optimiser, schedule and validation scores."""

from collections.abc import Callable

import lightning
import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.evaluation.metrics import derain_psnr_db
from glmha_cli.lookup import resolve
from glmha_cli.networks import network_from_plain
from glmha_cli.training.losses import LOSSES
from glmha_cli.training.recipe import Recipe


def to_network(batch: UInt8[Tensor, "b h w c"]) -> Tensor:
    """(b, h, w, c) bytes -> (b, c, h, w) float32 in [0, 1], channels-last in memory without a copy of layout."""
    return batch.permute(0, 3, 1, 2).float() / 255


def restore(network: nn.Module, image: UInt8[Tensor, "1 h w 3"], multiple: int) -> UInt8[np.ndarray, "h w 3"]:
    """A whole image through the network, padded by replication to a size it takes, back to 8 bit."""
    height, width = image.shape[1:3]
    padded = F.pad(to_network(image), (0, -width % multiple, 0, -height % multiple), mode="replicate")
    result = network(padded)[0, :, :height, :width].float().clamp(0, 1)
    return (result * 255).round().byte().permute(1, 2, 0).cpu().numpy()


class Restoration(lightning.LightningModule):
    """Trains `recipe`'s network on (degraded, clean) batches; validates by PSNR per named set."""

    def __init__(self, recipe: Recipe, set_names: list[str],
                 score: Callable[[np.ndarray, np.ndarray], float] = derain_psnr_db) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.recipe, self.set_names, self.score = recipe, set_names, score
        self.network_config = network_from_plain(recipe.network)
        self.network = self.network_config.build().to(memory_format=torch.channels_last)
        self.loss = resolve(LOSSES, recipe.loss, "loss")

    def configure_optimizers(self) -> dict:
        schedule = self.recipe.schedule
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=schedule.learning_rate,
                                      weight_decay=schedule.weight_decay, fused=True)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rates, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, gradient_clip_val: float | None = None,
                                    gradient_clip_algorithm: str | None = None) -> None:
        """By torch itself: Lightning refuses to clip for a fused optimiser, though nothing is scaled in bfloat16."""
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val, foreach=True)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        degraded, clean = (to_network(part) for part in batch)
        loss = self.loss(self.network(degraded).float(), clean)
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, batch_size=len(clean))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int, dataloader_idx: int = 0) -> None:
        degraded, clean = batch
        result = restore(self.network, degraded, self.network_config.size_multiple)
        self.log(f"psnr_{self.set_names[dataloader_idx]}", self.score(result, clean[0].cpu().numpy()),
                 add_dataloader_idx=False, on_step=False, on_epoch=True, batch_size=1)
