"""Derain the bundled example photo with the bundled checkpoint and measure it against the clean photo."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from glmha_cli.evaluation.metrics import derain_psnr_db
from glmha_cli.evaluation.protocols import eight_bit
from glmha_cli.io.images import read_photo, write_photo

EXAMPLE = Path(__file__).parent / "derain"
OUTPUT = Path("demo")


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    rainy, clean, derained = EXAMPLE / "rainy.png", EXAMPLE / "clean.png", OUTPUT / "derained.png"
    subprocess.run([sys.executable, "-m", "glmha_cli", "derain", rainy, derained, "--overwrite"], check=True)
    before, after = (derain_psnr_db(*(eight_bit(read_photo(each).pixels) for each in (path, clean))) for path in (rainy, derained))
    sheet = np.concatenate([read_photo(path).pixels for path in (rainy, derained, clean)], axis=1)
    write_photo(OUTPUT / "rainy_derained_clean.png", sheet, like=read_photo(rainy), overwrite=True)
    print(f"PSNR against the clean photo (Y channel): {before:.2f} dB rainy, {after:.2f} dB derained: {after - before:+.2f} dB")
    print(f"pictures: {derained} and {OUTPUT / 'rainy_derained_clean.png'}")


if __name__ == "__main__":
    main()
