"""Host networks by name, and their configs as plain data (what checkpoints, manifest and recipes carry).

Plain form: {"name": "restormer", "channels": 48, …, "attention": {"name": "glmha", "reduction": 0.5},
"attention_by_level": {"level1": {"name": "csa"}}}. A new network is its module and one line here.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from glmha_cli.attention import ATTENTIONS
from glmha_cli.errors import BadDataError
from glmha_cli.lookup import resolve
from glmha_cli.typed import from_mapping, shown

NETWORKS = {
    "restormer": "glmha_cli.networks.restormer:RestormerConfig",
    "mst": "glmha_cli.networks.mst:MSTConfig",
    "mst_plus_plus": "glmha_cli.networks.mst_plus_plus:MSTPlusPlusConfig",
    "unfolding": "glmha_cli.networks.unfolding:UnfoldingConfig",
}


def _named(table: Mapping[str, str], data: Any, kind: str) -> tuple[type, dict[str, Any]]:
    if not isinstance(data, Mapping):
        raise BadDataError(f"the {kind} is {shown(data)}, not a table", f'{kind} = {{ name = "{next(iter(table))}" }}')
    rest = dict(data)
    name = rest.pop("name", None)
    if not isinstance(name, str):
        raise BadDataError(f"the {kind} has no name", f"add name = one of {', '.join(table)}")
    return resolve(table, name, kind), rest


def attention_from_plain(data: Any) -> Any:
    """{"name": "glmha", …} -> the attention's frozen config."""
    cls, rest = _named(ATTENTIONS, data, "attention")
    return from_mapping(cls, rest, f"attention {data['name']}")


def network_from_plain(data: Any) -> Any:
    """The plain form above -> the network's frozen config; UsageError or BadDataError for what no table knows."""
    cls, rest = _named(NETWORKS, data, "network")
    if "attention" in rest:
        rest["attention"] = attention_from_plain(rest["attention"])
    by_level = rest.get("attention_by_level")
    if isinstance(by_level, Mapping):
        rest["attention_by_level"] = {level: attention_from_plain(a) for level, a in by_level.items()}
    return from_mapping(cls, rest, f"network {data['name']}")


def _name_of(table: Mapping[str, str], config: Any) -> str:
    path = f"{type(config).__module__}:{type(config).__qualname__}"
    return next(name for name, target in table.items() if target == path)


def network_to_plain(config: Any) -> dict[str, Any]:
    """Inverse of `network_from_plain`, complete: defaults are written out, so that they may change later."""
    plain = {"name": _name_of(NETWORKS, config), **asdict(config)}
    plain["attention"] = {"name": _name_of(ATTENTIONS, config.attention), **asdict(config.attention)}
    plain["attention_by_level"] = {
        level: {"name": _name_of(ATTENTIONS, a), **asdict(a)} for level, a in config.attention_by_level.items()
    }
    return plain
