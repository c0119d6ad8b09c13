"""What every network's config says of itself, so that nobody else needs to know which network it is."""

from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from glmha_cli.typed import Range

if TYPE_CHECKING:
    from torch import nn  # whoever finds weights for ONNX Runtime reads this too, and must not load PyTorch

Channels = Annotated[int, Range(1, 1024)]
Count = Annotated[int, Range(0, 64)]  # of blocks
Shape = tuple[int, int, int, int]


class NetworkConfig(Protocol):
    """A frozen dataclass. The bounds of its numbers keep what a file says from growing beyond what can be built."""

    @property
    def in_channels(self) -> int: ...

    @property
    def out_channels(self) -> int: ...

    @property
    def size_multiple(self) -> int:
        """Input height and width must be multiples of this."""
        ...

    @property
    def width(self) -> float:
        """Channels of the first level for each pixel of the input: what memory grows with."""
        ...

    @property
    def least_parameters(self) -> int:
        """Fewer than any network of these sizes has: of every block the output projection of its attention alone."""
        ...

    def input_shapes(self, h: int, w: int) -> list[Shape]:
        """(b, c, h, w) of each input for one image of h x w px, as `forward` takes them."""
        ...

    def build(self) -> "nn.Module": ...


def built_from(network: "nn.Module") -> NetworkConfig:
    """The config of a network of ours, or of what `fusion` has made of one."""
    return cast(NetworkConfig, cast(Any, network).config)
