"""Puts sbom.cdx.json, where a release has made one, into the wheel (PEP 770: .dist-info/sboms/)."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SBOM = "sbom.cdx.json"


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if Path(self.root, SBOM).is_file():
            build_data["sbom_files"].append(SBOM)
