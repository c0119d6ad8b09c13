"""What configs of degradations check of their knobs."""

from collections.abc import Sequence

from glmha_cli.errors import BadDataError

LARGEST_SCALE = 8.0


def require_mixture(config: object, kinds: Sequence[str], *, of: str) -> None:
    """BadDataError unless the shares `kinds` of all samples are non-negative and sum to 1."""
    shares = mixture(config, kinds)
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise BadDataError(f"{of} shares must be non-negative and sum to 1, not {shares}")


def mixture(config: object, kinds: Sequence[str]) -> list[float]:
    return [getattr(config, kind) for kind in kinds]


def require_shares(config: object, names: Sequence[str]) -> None:
    """BadDataError unless each of the knobs `names` lies in 0..1."""
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise BadDataError(f"a share of {getattr(config, name)} {name} samples", "0..1")


def require_scale(scale: tuple[float, float]) -> None:
    """BadDataError unless these are the least and the largest factor of an enlargement."""
    if not 1 <= scale[0] <= scale[1] <= LARGEST_SCALE:
        raise BadDataError(f"scale = {list(scale)}", f"two factors from 1 to {LARGEST_SCALE:g}, the smaller one first")
