"""`glmha profile MODEL|NETWORK`: parameters and multiply-adds, by the conventions of published tables and by level."""

import re
from typing import Any

from rich.table import Table

from glmha_cli.cli.options import ProfileOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.evaluation.complexity import CONVENTIONS, Complexity, count
from glmha_cli.networks import NETWORKS, attention_from_plain, network_from_plain, network_to_plain
from glmha_cli.networks.config import NetworkConfig
from glmha_cli.networks.replace import with_attention, with_reduction
from glmha_cli.shapes import next_multiple
from glmha_cli.weights.about import config_of
from glmha_cli.weights.store import describe


def profile(options: ProfileOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    config = as_asked(config_named(options.model), options)
    height, width = (next_multiple(side, config.size_multiple) for side in parse_size(options.size))
    cost = count(config, height=height, width=width)
    output.record(
        {
            "model": options.model,
            "network": network_to_plain(config),
            "size": [height, width],
            **plain(cost),
            "levels": {name: plain(level) for name, level in cost.levels.items()},
        }
    )
    if not options.json:
        if [height, width] != parse_size(options.size):
            output.note(f"counted at {height}x{width}, to which the network pads {options.size}")
        output.table(as_table(cost))


def config_named(model: str) -> NetworkConfig:
    """The config of a checkpoint's path, of a network's name (with its paper's numbers) or of a model's id."""
    return network_from_plain({"name": model}) if model in NETWORKS else config_of(describe(model), model)


def as_asked(config: Any, options: ProfileOptions) -> Any:
    """The config with the attention that the options ask for; UsageError for knobs it does not have."""
    if options.attention is None and options.reduction is None and options.levels is None:
        return config
    attention = attention_from_plain({"name": options.attention}) if options.attention else config.attention
    if options.reduction is not None:
        name = options.attention or type(attention).__name__
        attention = with_reduction(attention, options.reduction, name)
    if options.levels is None:
        return with_attention(config, attention)
    return with_attention(
        with_attention(config, attention_from_plain({"name": "csa"})), attention, options.levels.split(",")
    )


def parse_size(size: str) -> list[int]:
    """ "256x384" -> [height, width] in px."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", size)
    if not match:
        raise UsageError(f"--size takes height x width in px, not '{size}'", "--size 256x256")
    return [int(side) for side in match.groups()]


def plain(cost: Complexity) -> dict[str, Any]:
    return {"parameters": cost.parameters, "multiply_adds": cost.macs}


def as_table(cost: Complexity) -> Table:
    """Parameters, and multiply-adds in 1e9 by convention; a column per level and the total."""
    columns = {**cost.levels, "total": cost}
    table = Table("", *columns, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("parameters", *(f"{each.parameters:,}" for each in columns.values()))
    for name in CONVENTIONS:
        table.add_row(f"{name}, G", *(f"{each.macs[name] / 1e9:.3f}" for each in columns.values()))
    return table
