from glmha_cli.cli.app import main

main()
