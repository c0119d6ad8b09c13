"""examples/cluster/rayjob.yaml: valid by the part of KubeRay's schema that it uses, and a command that there is."""

import json
import shlex
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
import typer
import yaml

from glmha_cli.batch.cluster.options import Cluster
from glmha_cli.cli.app import build_app
from tests.conftest import ROOT

SCHEMA = json.loads(Path(__file__).with_name("rayjob.schema.json").read_text(encoding="utf-8"))
JOB = yaml.safe_load((ROOT / "examples/cluster/rayjob.yaml").read_text(encoding="utf-8"))
CLUSTER = JOB["spec"]["rayClusterSpec"]


def test_it_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(JOB, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "entrypoint"), ["glmha", "derain"]),
        (("spec", "rayClusterSpec", "workerGroups"), []),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("spec", "rayClusterSpec", "workerGroupSpecs", 0, "template", "spec", "containers"), []),
        (("spec", "backoffLimit"), "2"),
    ],
)
def test_what_kuberay_would_refuse_is_refused(path, value):
    job = deepcopy(JOB)
    inner = job
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, SCHEMA)


def test_its_command_is_one_and_its_actors_fit_into_its_workers():
    name, *arguments = shlex.split(JOB["spec"]["entrypoint"])[1:]
    with typer.main.get_command(build_app()).commands[name].make_context(name, arguments) as context:
        given = context.params
    cluster = Cluster.parse(given["cluster"], cpus=given["cpus_per_actor"], gpus=given["gpus_per_actor"])
    (group,) = CLUSTER["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    resources = container["resources"]
    fit = int(resources["requests"]["cpu"]) / cluster.cpus, int(resources["limits"]["nvidia.com/gpu"]) / cluster.gpus
    assert fit == (2, 2)


def test_the_record_is_on_a_disk_that_outlives_the_job():
    spec = CLUSTER["headGroupSpec"]["template"]["spec"]
    (mount,) = spec["containers"][0]["volumeMounts"]
    (volume,) = spec["volumes"]
    assert mount["name"] == volume["name"] and volume["persistentVolumeClaim"]
    assert f"--record {mount['mountPath']}/" in JOB["spec"]["entrypoint"]


def test_ray_is_the_version_that_is_tested():
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert f"ray=={CLUSTER['rayVersion']}" in constraints
