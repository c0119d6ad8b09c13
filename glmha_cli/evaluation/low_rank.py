"""How many channels an attention matrix really uses: its singular values, per level (GLMHA paper, Fig. 1)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.attention.base import ChannelAttention
from glmha_cli.errors import BadDataError
from glmha_cli.evaluation.figure import new_figure, save_figure
from glmha_cli.networks.config import built_from

SHARES = (0.90, 0.95, 0.99)
MEASURES = {"energy": 2, "sum": 1}
"""What is accumulated: the squares of the singular values (variance explained), or the values themselves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrices:
    """The attention of one block for one image. block: its name in the network; pixels: tells its level."""

    block: str
    pixels: int
    attn: Float[np.ndarray, "heads c kept"]


@contextmanager
def recorded(network: nn.Module) -> Iterator[list[Matrices]]:
    """While active, every forward pass of `network` on one image adds the matrices of its attentions."""
    found: list[Matrices] = []
    watched = {name: part for name, part in network.named_modules() if isinstance(part, ChannelAttention)}
    for name, attention in watched.items():
        _watch(name, attention, found)
    try:
        yield found
    finally:
        for attention in watched.values():
            del attention.attend


def _watch(name: str, attention: ChannelAttention, found: list[Matrices]) -> None:
    attend = attention.attend

    def recording(q: Tensor, k: Tensor) -> Tensor:
        attn = attend(q, k)
        found.append(Matrices(block=name, pixels=q.shape[-1], attn=attn[0].double().cpu().numpy()))
        return attn

    setattr(attention, "attend", recording)  # noqa: B010 - over the method, until it is deleted


@torch.inference_mode()
def attention_of(network: nn.Module, inputs: Sequence[Float[Tensor, "1 c h w_in"]]) -> list[Matrices]:
    """The matrices of every block for what the network takes of an image."""
    with recorded(network) as found:
        network(*inputs)
    return found


def middle(
    network: nn.Module, inputs: Sequence[Float[np.ndarray, "h w_in c"]], *, side_px: int = 256
) -> list[Float[Tensor, "1 c h w_in"]]:
    """The middle of an image as a network takes it, at most `side_px` squared: statistics as in training.

    Raises BadDataError for an image smaller than the network's multiple.
    """
    multiple = built_from(network).size_multiple
    height, width = (min(side, side_px) // multiple * multiple for side in inputs[0].shape[:2])
    if not height or not width:
        raise BadDataError(
            f"an image of {inputs[0].shape[0]} x {inputs[0].shape[1]} px is too small for this network",
            f"at least {multiple} x {multiple} px are needed",
        )
    top, left = (inputs[0].shape[0] - height) // 2, (inputs[0].shape[1] - width) // 2
    tensors = []
    for array in inputs:  # a shifted mask is wider than its image
        right = left + width + array.shape[1] - inputs[0].shape[1]
        tensors.append(
            torch.from_numpy(np.ascontiguousarray(array[top : top + height, left:right].transpose(2, 0, 1)))[None]
        )
    return tensors


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum:
    """The singular values of all matrices of one level and size, largest first and averaged after accumulating.

    channels, kept: c and c' of the matrices. curves: measure -> mean share of the first 1, 2, … c' values.
    needed: measure -> share -> how many values hold it, the mean over matrices.
    """

    level: str
    channels: int
    kept: int
    num_matrices: int
    curves: dict[str, Float[np.ndarray, " kept"]]
    needed: dict[str, dict[float, float]]


def spectra(images: Iterable[Sequence[Matrices]]) -> list[Spectrum]:
    """Of the matrices of each image, one per level and size: Restormer's decoder at level 1 is twice as wide as its
    encoder."""
    groups: dict[tuple[int, int, int], list[np.ndarray]] = {}
    for found in images:  # each by itself: images may differ in size
        pixels = sorted({each.pixels for each in found}, reverse=True)
        for each in found:
            groups.setdefault((pixels.index(each.pixels), *each.attn.shape[1:]), []).append(each.attn)
    deepest = max(level for level, *_ in groups)
    return [
        _spectrum("bottleneck" if level == deepest else f"level{level + 1}", np.concatenate(attn))
        for (level, *_), attn in sorted(groups.items())
    ]


def _spectrum(level: str, attn: Float[np.ndarray, "m c kept"]) -> Spectrum:
    values = np.linalg.svd(attn, compute_uv=False)
    curves, needed = {}, {}
    for measure, power in MEASURES.items():
        shares = np.cumsum(values**power, axis=1)
        shares /= shares[:, -1:]
        curves[measure] = shares.mean(axis=0)
        needed[measure] = {share: float((shares < share - 1e-9).sum(axis=1).mean() + 1) for share in SHARES}
    return Spectrum(
        level=level, channels=attn.shape[1], kept=attn.shape[2], num_matrices=len(attn), curves=curves, needed=needed
    )


def plot(path: Path, found: Sequence[Spectrum], *, title: str, overwrite: bool = False) -> None:
    """The curves as a picture (PNG, or what the suffix says). UsageError without matplotlib; see `atomic_output`."""
    figure = new_figure(10, 4)
    for axes, measure in zip(figure.subplots(1, len(MEASURES)), MEASURES, strict=True):
        for spectrum in found:
            count = np.arange(1, spectrum.kept + 1)
            axes.plot(
                count / spectrum.channels,
                spectrum.curves[measure],
                marker=".",
                label=f"{spectrum.level}: {spectrum.channels} x {spectrum.kept}",
            )
        for share in SHARES:
            axes.axhline(share, color="0.7", linewidth=0.8, zorder=0)
        axes.set(
            xlabel="largest singular values, as a share of a head's channels",
            xlim=(0, 1.02),
            ylim=(None, 1.005),
            title="squared singular values (energy)" if measure == "energy" else "singular values",
        )
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("cumulative share, mean over blocks, heads, images")
    figure.axes[0].legend(title="matrix of a head", fontsize="small")
    figure.suptitle(title)
    save_figure(figure, path, overwrite=overwrite)
