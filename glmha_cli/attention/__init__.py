"""Channel attentions. A new one is its module and one line here."""

ATTENTIONS = {
    "csa": "glmha_cli.attention.csa:CSAConfig",
    "glmha": "glmha_cli.attention.glmha:GLMHAConfig",
    "linformer": "glmha_cli.attention.linformer:LinformerConfig",
    "performer": "glmha_cli.attention.performer:PerformerConfig",
    "reformer": "glmha_cli.attention.reformer:ReformerConfig",
}
