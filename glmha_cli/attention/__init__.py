"""Channel attentions. A new one is its module and one line here."""

ATTENTIONS = {
    "csa": "glmha_cli.attention.csa:CSA",
    "glmha": "glmha_cli.attention.glmha:GLMHA",
    "linformer": "glmha_cli.attention.linformer:Linformer",
    "performer": "glmha_cli.attention.performer:Performer",
    "reformer": "glmha_cli.attention.reformer:Reformer",
}
