"""A .pth with the names and sizes of the released Restormer (26.1 M parameters) and random values.

    python benchmarks/released_like.py paper-size.pth
    glmha enhance paper-size.pth ours.safetensors --task derain --images PHOTOS --layer-steps 2 --whole-steps 2

What takes memory and time in an enhancement does not depend on the values, so no released file is needed to measure it.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import torch

CHANNELS = 48
LEVELS = {  # name: (channels, heads, blocks)
    "encoder_level1": (CHANNELS, 1, 4),
    "encoder_level2": (2 * CHANNELS, 2, 6),
    "encoder_level3": (4 * CHANNELS, 4, 6),
    "latent": (8 * CHANNELS, 8, 8),
    "decoder_level3": (4 * CHANNELS, 4, 6),
    "decoder_level2": (2 * CHANNELS, 2, 6),
    "decoder_level1": (2 * CHANNELS, 1, 4),
    "refinement": (2 * CHANNELS, 1, 4),
}
BETWEEN = {
    "patch_embed.proj.weight": (CHANNELS, 3, 3, 3),
    "down1_2.body.0.weight": (CHANNELS // 2, CHANNELS, 3, 3),
    "down2_3.body.0.weight": (CHANNELS, 2 * CHANNELS, 3, 3),
    "down3_4.body.0.weight": (2 * CHANNELS, 4 * CHANNELS, 3, 3),
    "up4_3.body.0.weight": (16 * CHANNELS, 8 * CHANNELS, 3, 3),
    "up3_2.body.0.weight": (8 * CHANNELS, 4 * CHANNELS, 3, 3),
    "up2_1.body.0.weight": (4 * CHANNELS, 2 * CHANNELS, 3, 3),
    "reduce_chan_level3.weight": (4 * CHANNELS, 8 * CHANNELS, 1, 1),
    "reduce_chan_level2.weight": (2 * CHANNELS, 4 * CHANNELS, 1, 1),
    "output.weight": (3, 2 * CHANNELS, 3, 3),
}
EXPANSION = 2.66


def of_block(channels: int, heads: int) -> dict[str, tuple[int, ...]]:
    hidden = int(channels * EXPANSION)
    return {
        "norm1.body.weight": (channels,),
        "norm1.body.bias": (channels,),
        "attn.temperature": (heads, 1, 1),
        "attn.qkv.weight": (3 * channels, channels, 1, 1),
        "attn.qkv_dwconv.weight": (3 * channels, 1, 3, 3),
        "attn.project_out.weight": (channels, channels, 1, 1),
        "norm2.body.weight": (channels,),
        "norm2.body.bias": (channels,),
        "ffn.project_in.weight": (2 * hidden, channels, 1, 1),
        "ffn.dwconv.weight": (2 * hidden, 1, 3, 3),
        "ffn.project_out.weight": (channels, hidden, 1, 1),
    }


def shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from BETWEEN.items()
    for level, (channels, heads, blocks) in LEVELS.items():
        for block in range(blocks):
            yield from ((f"{level}.{block}.{name}", shape) for name, shape in of_block(channels, heads).items())


def value(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Norms that change nothing, attentions that are not uniform, and convolutions that keep the size of values."""
    if len(shape) < 4:
        return torch.full(shape, 4.0 if "temperature" in name else float(name.endswith("weight")))
    size = 0.01 if name == "output.weight" else 1 / math.sqrt(math.prod(shape[1:]))
    return size * torch.randn(shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.save({"params": {name: value(name, shape) for name, shape in shapes()}}, options.output)


if __name__ == "__main__":
    main()
