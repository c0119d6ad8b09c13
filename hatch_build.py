"""What a wheel holds beside the sources.

sbom.cdx.json, where a release has made one (PEP 770: .dist-info/sboms/). With GLMHA_PREBUILT=1 the compiled steps of
this machine's kind of CPU, so that who installs it needs no compiler: the wheel is then for one platform.
"""

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SBOM = "sbom.cdx.json"
SETTING = "GLMHA_PREBUILT"
MACOS = "11.0"  # the first on Apple's own CPUs


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self.folder = TemporaryDirectory()
        if Path(self.root, SBOM).is_file():
            build_data["sbom_files"].append(SBOM)
        if os.environ.get(SETTING) == "1" and version != "editable":
            self.add_compiled_steps(build_data)

    def add_compiled_steps(self, build_data: dict[str, Any]) -> None:
        """Of the tag `auditwheel repair` makes the one of the oldest system that the libraries run on."""
        os.environ.setdefault("MACOSX_DEPLOYMENT_TARGET", MACOS)
        variants = variants_of(Path(self.root))
        for name in variants.of_this_machine():
            path = variants.build(variants.VARIANTS[name], Path(self.folder.name), f"{name}-")
            build_data["force_include"][str(path)] = f"glmha_cli/fusion/prebuilt/{path.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self.folder.cleanup()


def variants_of(root: Path) -> ModuleType:
    """glmha_cli.fusion.variants by its path: the package's own imports need PyTorch."""
    spec = importlib.util.spec_from_file_location("variants", root / "glmha_cli" / "fusion" / "variants.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


def platform_tag() -> str:
    if sys.platform == "darwin":
        return f"macosx_{MACOS.replace('.', '_')}_{os.uname().machine}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
