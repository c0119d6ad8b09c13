"""Installs each wheel and sdist of a folder into a clean environment and uses it as a new user would.

    python -m build
    python tools/try_package.py dist
    python tools/try_package.py dist --torch-index https://download.pytorch.org/whl/cpu

A wheel of one platform has to have its compiled steps: they are looked for without a compiler.
Prints the size on disk of the whole installation, and of its largest packages. Exit code 1 if anything fails.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
RAINY = ROOT / "examples" / "derain" / "rainy.png"
FIND_STEPS = """
from glmha_cli.fusion import library
steps = library.kernels()
print("compiled steps:", steps and steps._name)
raise SystemExit(steps is None)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dist", type=Path, help="folder of wheels and sdists")
    parser.add_argument(
        "--torch-index", help="package index that torch is taken from", default=os.getenv("TORCH_INDEX")
    )
    options = parser.parse_args()
    packages = sorted([*options.dist.glob("*.whl"), *options.dist.glob("*.tar.gz")])
    if not packages:
        sys.exit(f"{options.dist}: no wheel and no sdist - python -m build")
    for package in packages:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{package.name}:", flush=True)
            try_package(package.resolve(), Path(folder), options.torch_index)


def try_package(package: Path, folder: Path, torch_index: str | None) -> None:
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if torch_index and sys.platform == "linux":
        run(folder, *pip, "torch", "--index-url", torch_index)
    run(folder, *pip, package)
    run(folder, scripts / "glmha", "--version")
    run(folder, scripts / "glmha", "models")
    run(folder, scripts / "glmha", "derain", RAINY, "derained.png", "--engine", "onnx", "--offline")
    if not (folder / "derained.png").stat().st_size:
        sys.exit("derained.png is empty")
    if package.suffix == ".whl" and not package.stem.endswith("-any"):
        without_compiler = {**os.environ, "CC": "no-such-compiler", "XDG_CACHE_HOME": str(folder / "cache")}
        run(folder, scripts / "python", "-c", FIND_STEPS, env=without_compiler)
    print_sizes(folder / "venv")


def run(folder: Path, *command: str | Path, env: dict[str, str] | None = None) -> None:
    """In `folder`, so that the checkout is not what is imported."""
    subprocess.run([str(part) for part in command], cwd=folder, env=env, check=True)


def print_sizes(environment: Path) -> None:
    sizes: dict[str, int] = {}
    (packages,) = environment.glob("[Ll]ib*/**/site-packages")
    for path in packages.rglob("*"):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(packages).parts[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
    print(f"{sum(sizes.values()) / 1e6:8.0f} MB in all, of which")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:12]:
        print(f"{size / 1e6:8.0f} MB {name}")


if __name__ == "__main__":
    main()
