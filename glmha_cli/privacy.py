"""What other libraries would send of their own accord, switched off.

ONNX Runtime since 1.29 reports its use to its makers and keeps an identifier of the device below HOME; the client of
the Hugging Face Hub names the machine in its requests. Each reads its variable once, when it is imported, so
`glmha_cli` itself imports this module first.
"""

import os

SWITCHES = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")


def switch_telemetry_off() -> None:
    """In this process and those that it starts, whatever their environment said."""
    os.environ.update(dict.fromkeys(SWITCHES, "1"))
