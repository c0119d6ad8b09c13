"""Channel attentions. A new one is its module and one line here."""

ATTENTIONS = {
    "csa": "glmha_cli.attention.csa:CSA",
    "glmha": "glmha_cli.attention.glmha:GLMHA",
}
