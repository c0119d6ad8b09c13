"""Channel attentions, and two mixers to compare them with. A new one is its module and one line here."""

ATTENTIONS = {
    "csa": "glmha_cli.attention.csa:CSAConfig",
    "depthwise": "glmha_cli.attention.depthwise:DepthwiseConfig",
    "glmha": "glmha_cli.attention.glmha:GLMHAConfig",
    "linformer": "glmha_cli.attention.linformer:LinformerConfig",
    "none": "glmha_cli.attention.none:NoAttentionConfig",
    "performer": "glmha_cli.attention.performer:PerformerConfig",
    "reformer": "glmha_cli.attention.reformer:ReformerConfig",
}
