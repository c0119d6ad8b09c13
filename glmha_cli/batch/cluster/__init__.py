"""Jobs done by the machines of a cluster: rows are paths alone, and this process keeps the record.

`driver` gives jobs to members, which do them as any process does (`glmha_cli.batch.doing`) and pass on what is to be
recorded; `on_ray` is where the members run.
"""
