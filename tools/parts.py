"""A checkpoint in parts of limited size, for machines that send little back at a time, and whole again.

    python tools/parts.py split RUN/best.safetensors PARTS --max-mib 15
    python tools/parts.py join PARTS best.safetensors

The parts are the usual shards of safetensors: best-00001-of-00004.safetensors, … and best.safetensors.index.json, which
says what is where. Each keeps the metadata, so the joined file holds what the first one did.
"""

import argparse
import json
from pathlib import Path

from huggingface_hub import split_torch_state_dict_into_shards
from safetensors import safe_open
from safetensors.torch import load_file

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.weights.checkpoint import save_tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    splitting = verbs.add_parser("split")
    splitting.add_argument("checkpoint", type=Path)
    splitting.add_argument("folder", type=Path)
    splitting.add_argument("--max-mib", type=float, default=15)
    joining = verbs.add_parser("join")
    joining.add_argument("folder", type=Path)
    joining.add_argument("checkpoint", type=Path)
    options = parser.parse_args()
    if options.verb == "join":
        join(options.folder, options.checkpoint)
        print(options.checkpoint)
    else:
        for path in split(options.checkpoint, options.folder, max_bytes=int(options.max_mib * 2**20)):
            print(f"{path}: {path.stat().st_size:,} bytes")


def split(checkpoint: Path, folder: Path, *, max_bytes: int) -> list[Path]:
    """Write the parts and their index; a tensor larger than `max_bytes` is a part of its own."""
    tensors, metadata = load_file(checkpoint), metadata_of(checkpoint)
    headroom = checkpoint.stat().st_size - sum(tensor.nbytes for tensor in tensors.values())
    shards = split_torch_state_dict_into_shards(
        tensors, filename_pattern=checkpoint.stem + "{suffix}.safetensors", max_shard_size=max(1, max_bytes - headroom)
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, keys in shards.filename_to_tensors.items():
        save_tensors(folder / name, {key: tensors[key] for key in keys}, metadata)
    index = folder / f"{checkpoint.name}.index.json"
    index.write_text(json.dumps({"metadata": shards.metadata, "weight_map": shards.tensor_to_filename}, indent=1))
    return [*(folder / name for name in shards.filename_to_tensors), index]


def join(folder: Path, checkpoint: Path) -> None:
    """Raises NoInputError or BadDataError unless `folder` holds an index and every part it names."""
    indices = sorted(folder.glob("*.safetensors.index.json"))
    if len(indices) != 1:
        raise NoInputError(f"{folder} holds {len(indices)} files that end in .safetensors.index.json", "it needs one")
    names = json.loads(indices[0].read_text())["weight_map"]
    missing = sorted({name for name in names.values() if not (folder / name).is_file()})
    if missing:
        raise BadDataError(f"{folder} lacks {', '.join(missing)}", "fetch all parts")
    parts = {name: load_file(folder / name) for name in set(names.values())}
    tensors = {key: parts[name][key] for key, name in names.items()}
    save_tensors(checkpoint, tensors, metadata_of(folder / next(iter(names.values()))))


def metadata_of(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


if __name__ == "__main__":
    main()
