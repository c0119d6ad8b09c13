"""What `glmha` and `python -m glmha_cli` start: ended by Ctrl-C without a traceback from its first import on."""

import sys

INTERRUPTED = 130


def main() -> None:
    try:
        from glmha_cli.cli.app import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
