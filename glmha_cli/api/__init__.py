"""The tool from Python: `glmha_cli` offers its functions under short names."""
