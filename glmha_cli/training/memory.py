"""How much memory a training step takes, told without computing anything."""

import torch
from torch import Tensor

from glmha_cli.networks.config import NetworkConfig


def saved_bytes(config: NetworkConfig, *, height: int, width: int) -> int:
    """What autograd keeps of one crop of height x width px until its backward pass, in float32."""
    storages: dict[int, torch.UntypedStorage] = {}  # held, so that no two have one address

    def keep(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with torch.device("meta"):
        network = config.build().train()
        inputs = [torch.empty(shape) for shape in config.input_shapes(height, width)]
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network(*inputs)
    own = {parameter.untyped_storage()._cdata for parameter in network.parameters()}
    return sum(storage.nbytes() for address, storage in storages.items() if address not in own)
