"""Put a trained checkpoint into the package, as safetensors (float16) and ONNX: metadata complete, in the manifest.

    python tools/ship.py derain-lite RUN/best.safetensors --quality quality.json --training training.json --licence ID

Of several checkpoints (of runs that differ by their seed) the mean of the weights goes in: Wortsman et al. 2022,
"Model soups".

quality.json: what benchmarks/quality.py prints. training.json: {"recipe", "command", "data", "device", …}; step and
minutes come from the (first) checkpoint's own run, or enhancement. Both go into the file's metadata and into
weights_manifest.json.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from glmha_cli.export import export_onnx
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import save_checkpoint
from glmha_cli.weights.integrity import entry_of
from glmha_cli.weights.manifest import PACKAGE, load_manifest, update_entry


def mean_weights(checkpoints: list[Path]) -> dict[str, torch.Tensor]:
    each = [load_file(path) for path in checkpoints]
    return {name: torch.stack([weights[name].double() for weights in each]).mean(0).float() for name in each[0]}


def length_of(about: dict[str, Any]) -> dict[str, float]:
    """Steps and minutes of the run that made a checkpoint, or of an enhancement's last part."""
    if "run" in about:
        return {"steps": about["run"]["step"], "minutes": about["run"]["minutes"]}
    last = about["enhanced"]["parts"][-1]
    return {"steps": last["steps"], "minutes": last["minutes"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("id", help="entry of the manifest")
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--quality", type=Path, required=True)
    parser.add_argument("--training", type=Path, required=True)
    parser.add_argument("--licence", required=True)
    options = parser.parse_args()
    load_manifest().model(options.id)
    about = read_about(options.checkpoints[0])
    training = {**json.loads(options.training.read_text()), **length_of(about)}
    about.pop("run", None)
    quality = json.loads(options.quality.read_text())
    about |= {"id": options.id, "licence": options.licence, "training": training, "quality": quality}
    target = PACKAGE / "bundled" / f"{options.id}.safetensors"
    target.parent.mkdir(exist_ok=True)
    save_checkpoint(target, mean_weights(options.checkpoints), about, dtype=torch.float16)
    onnx = target.with_suffix(".onnx")
    export_onnx(target, onnx, sha256=entry_of(target).sha256, overwrite=True)
    files = {path.suffix[1:]: asdict(entry_of(path)) for path in (target, onnx)}
    update_entry(
        options.id, network=about["network"], licence=options.licence, training=training, quality=quality, files=files
    )
    for path in (target, onnx):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
