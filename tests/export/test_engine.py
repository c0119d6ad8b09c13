"""The ONNX engine: same results as PyTorch without loading it, and untrusted files refused by name."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from glmha_cli.errors import BadDataError, GlmhaError, UsageError, WeightsUnavailableError
from glmha_cli.inference import engine as engines
from glmha_cli.inference import onnx_engine
from glmha_cli.inference.engine import EngineOptions, formats_for, open_engine
from glmha_cli.inference.memory import is_out_of_memory
from glmha_cli.weights.about import read_about
from glmha_cli.weights.onnx_file import read_onnx_metadata
from glmha_cli.weights.store import Access, find_weights
from tests.cli.in_process import run_here
from tests.conftest import ROOT
from tests.export.conftest import RESTORMER
from tests.weights.conftest import file_entry, library  # noqa: F401 - a fixture

CPU = EngineOptions(device="cpu")


def glmha_without_torch(*arguments, unneeded=("torch",)):
    """The real command in a process of its own, which then tells whether what takes time to load was loaded."""
    code = (
        f"import sys\nsys.argv = {['glmha', *map(str, arguments)]!r}\nfrom glmha_cli.cli.app import "
        f"main\ntry:\n    main()\n"
        f"finally:\n    assert 'onnxruntime' in sys.modules\n    assert not sys.modules.keys() & set({unneeded})\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )


def test_a_photo_is_restored_without_torch(tiny_onnx, photo, tmp_path):
    result = glmha_without_torch(
        "derain",
        photo,
        tmp_path / "out.png",
        "--model",
        tiny_onnx,
        "--json",
        "--device",
        "cpu",
        unneeded=("torch", "scipy"),
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["precision"] == "fp32"


def test_the_bundled_model_needs_no_torch(photo, tmp_path):
    result = glmha_without_torch("derain", photo, tmp_path / "out.png", "--device", "cpu")
    assert result.returncode == 0, result.stderr


def test_both_engines_give_the_same_picture(exported, photo, tmp_path):
    pictures = []
    for weights in exported(RESTORMER):
        out = tmp_path / f"{weights.suffix}.png"
        assert run_here("derain", photo, out, "--model", weights, "--device", "cpu", "--tile", 32).returncode == 0
        pictures.append(np.asarray(Image.open(out), int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1
    assert np.abs(pictures[0] - np.asarray(Image.open(photo), int)).max() > 1


@pytest.mark.parametrize(
    ("plain", "width"),
    [({"name": "mst_plus_plus", "num_stages": 1}, 16), ({"name": "mst", "num_blocks": [1, 1, 1]}, 16)],
)
def test_batches_are_what_single_tiles_are(exported, plain, width):
    engine = open_engine(exported(plain)[1], CPU)
    bands = 3 if plain["name"] == "mst_plus_plus" else 28
    inputs = [np.random.default_rng(0).random((3, 8, each, bands), np.float32) for each in (width, width + 54)][
        : len(engine.names)
    ]
    (batch,) = engine.run_batches([tuple(inputs)])
    for i, output in enumerate(batch):
        np.testing.assert_allclose(output, engine.run(*(array[i] for array in inputs)), atol=1e-6)


def test_what_auto_takes(monkeypatch):
    monkeypatch.setattr(engines, "has_gpu", lambda device: device == "cuda")
    assert formats_for(CPU, quick=True) == ("onnx", "safetensors")
    assert formats_for(CPU, quick=False) == ("safetensors", "onnx")
    assert formats_for(EngineOptions(device="cuda"), quick=True) == ("safetensors", "onnx")
    assert formats_for(EngineOptions(device="cpu", precision="bf16"), quick=True) == ("safetensors", "onnx")
    for quick in (True, False):
        assert formats_for(EngineOptions(engine="torch"), quick=quick) == ("safetensors",)
        assert formats_for(EngineOptions(engine="onnx"), quick=quick) == ("onnx",)
    with pytest.raises(UsageError, match="unknown engine"):
        EngineOptions(engine="onyx")


@pytest.fixture
def both(library, exported, tmp_path):  # noqa: F811
    """A model of the manifest with both files in a folder."""
    files = {path.suffix[1:]: path for path in exported(RESTORMER)}
    for path in files.values():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    library.add(
        "both",
        network=read_about(files["onnx"])["network"],
        files={kind: file_entry(path) for kind, path in files.items()},
    )
    library.add("old", network=RESTORMER, files={"safetensors": file_entry(files["safetensors"])})
    return tmp_path


def test_the_format_of_a_model_is_the_first_that_is_there(both):
    def suffix(model, *formats):
        return find_weights(model, task=None, formats=formats, access=Access(weights_dir=both)).path.suffix

    assert suffix("both", "onnx", "safetensors") == ".onnx" and suffix("both", "safetensors", "onnx") == ".safetensors"
    assert suffix("old", "onnx", "safetensors") == ".safetensors"
    (both / "w.onnx").unlink()
    assert suffix("both", "onnx", "safetensors") == ".safetensors"
    with pytest.raises(WeightsUnavailableError, match="'old' has no onnx file"):
        suffix("old", "onnx")


def test_wrong_bytes_are_refused(both):
    (both / "w.onnx").write_bytes((both / "w.onnx").read_bytes()[:-1] + b"!")
    with pytest.raises(WeightsUnavailableError, match="not the published file"):
        find_weights("both", task=None, formats=("onnx",), access=Access(weights_dir=both))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "torch"], "is in the format onnx; safetensors is needed here"),
        (["--precision", "bf16", "--device", "cpu"], "computes in fp32, not in bf16"),
        (["--device", "mps"], "device 'mps' is not available"),
    ],
)
def test_what_does_not_go_together(tiny_onnx, photo, tmp_path, arguments, message):
    result = run_here("derain", photo, tmp_path / "out.png", "--model", tiny_onnx, *arguments)
    assert result.returncode == 2 and message in result.stderr and len(result.stderr.strip().splitlines()) == 1


def test_onnx_was_asked_for_and_the_file_is_none(tiny_model, photo, tmp_path):
    result = run_here("derain", photo, tmp_path / "out.png", "--model", tiny_model, "--engine", "onnx")
    assert result.returncode == 2 and "is in the format safetensors; onnx is needed here" in result.stderr


def test_a_device_that_is_not_there(tiny_onnx, monkeypatch):
    monkeypatch.setattr(onnx_engine, "has_cuda", lambda: False)
    with pytest.raises(UsageError, match="device 'cuda' is not available"):
        open_engine(tiny_onnx, EngineOptions(device="cuda"))
    assert open_engine(tiny_onnx, EngineOptions()).device == "cpu"


def test_tensors_in_other_files_are_refused(tiny_onnx, tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(onnx.load(tiny_onnx), path, save_as_external_data=True, location="secret.bin", size_threshold=0)
    with pytest.raises(BadDataError, match="external_data"):
        open_engine(path, CPU)


@pytest.mark.parametrize("place", ["attribute", "branch", "function"])
def test_tensors_in_other_files_are_found_wherever_a_model_may_have_them(tmp_path, place):
    helper, path = onnx.helper, tmp_path / "model.onnx"
    tensor = onnx.TensorProto(name="t", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    constant = helper.make_node("Constant", [], ["y"], value=tensor)
    branch = helper.make_graph([constant], "b", [], [])
    nodes = {
        "attribute": [constant],
        "branch": [helper.make_node("If", ["c"], ["y"], then_branch=branch)],
        "function": [],
    }[place]
    functions = [helper.make_function("d", "f", [], ["y"], [constant], [])] if place == "function" else []
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [], []), functions=functions), path)
    with pytest.raises(BadDataError, match="external_data"):
        read_onnx_metadata(path)


def varint(number, *, zeros=0):
    """As protobuf writes it; `zeros`: with so many needless bytes behind."""
    count = max(1, -(-number.bit_length() // 7)) + zeros
    return bytes((number >> 7 * i & 0x7F) | (0x80 if i + 1 < count else 0) for i in range(count))


HIDDEN = {  # of external_data, an entry {"location": "secret.bin"}, and of data_location
    "tag beyond 32 bits": (varint(13 << 3 | 2 | 1 << 32), varint(14 << 3) + varint(0)),
    "tag with needless bytes": (varint(13 << 3 | 2, zeros=3), varint(14 << 3) + varint(0)),
    "location alone, tag beyond 32 bits": (None, varint(14 << 3 | 1 << 32) + varint(1)),
    "location alone, value beyond 32 bits": (None, varint(14 << 3) + varint(1 | 1 << 32)),
    "location alone, value with needless bytes": (None, varint(14 << 3) + varint(1, zeros=2)),
}


@pytest.mark.parametrize("way", HIDDEN)
def test_tensors_in_other_files_cannot_be_hidden(tiny_onnx, tmp_path, way):
    """Protobuf cuts a number to the bits of its field; what we read must not differ. A second graph is merged."""
    tag, location = HIDDEN[way]
    entry = onnx.StringStringEntryProto(key="location", value="secret.bin").SerializeToString()
    tensor = onnx.TensorProto(name="w", data_type=2, dims=[1]).SerializeToString() + location
    if tag is not None:
        tensor += tag + varint(len(entry)) + entry
    graph = varint(5 << 3 | 2) + varint(len(tensor)) + tensor
    path = tmp_path / "evil.onnx"
    path.write_bytes(tiny_onnx.read_bytes() + varint(7 << 3 | 2) + varint(len(graph)) + graph)
    with pytest.raises(BadDataError, match="external_data|is damaged"):
        read_onnx_metadata(path)


def test_the_reader_agrees_with_the_onnx_package(tiny_onnx):
    assert read_onnx_metadata(tiny_onnx) == {entry.key: entry.value for entry in onnx.load(tiny_onnx).metadata_props}


@settings(max_examples=40)
@given(st.data())
def test_damaged_files_are_bad_data_and_nothing_else(tiny_onnx, tmp_path_factory, data):
    good = tiny_onnx.read_bytes()
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    position = data.draw(st.integers(0, len(good) - 1))
    change = (
        bytes([good[position] ^ data.draw(st.integers(1, 255))]) + good[position + 1 :]
        if data.draw(st.booleans())
        else b""
    )
    path.write_bytes(good[:position] + change)
    try:
        read_about(path)
    except BadDataError:
        return
    assert change  # a shortened file never passes


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"\x00" * 64, b"\xff" * 64])
def test_what_is_not_onnx(tmp_path, content):
    path = tmp_path / "no.onnx"
    path.write_bytes(content)
    with pytest.raises(BadDataError, match="not an ONNX file"):
        open_engine(path, CPU)


def test_onnx_of_others(tmp_path, tiny_onnx):
    path = tmp_path / "other.onnx"
    model = onnx.load(tiny_onnx)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(BadDataError, match="is ONNX, but not a glmha checkpoint"):
        open_engine(path, CPU)


def test_a_graph_that_the_runtime_does_not_take(tmp_path, tiny_onnx):
    path = tmp_path / "future.onnx"
    model = onnx.load(tiny_onnx)
    model.graph.node[-1].op_type = "NotYetKnown"
    onnx.save(model, path)
    with pytest.raises(BadDataError, match="ONNX Runtime cannot load it"):
        open_engine(path, CPU)


NODES = {
    "two inputs": [onnx.helper.make_node("Add", ["a", "b"], ["c"])],
    "no map": [onnx.helper.make_node("Flatten", ["a"], ["c"], axis=0)],
    "half the size": [onnx.helper.make_node("MaxPool", ["a"], ["c"], kernel_shape=[2, 2], strides=[2, 2])],
}


@pytest.mark.parametrize("kind", NODES)
def test_a_graph_of_something_else_is_bad_data(tmp_path, tiny_onnx, kind):
    model = onnx.load(tiny_onnx)
    value = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)  # noqa: E731
    names = list(NODES[kind][0].input)
    model.graph.CopyFrom(onnx.helper.make_graph(NODES[kind], "g", list(map(value, names)), [value("c")]))
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(BadDataError, match="the graph"):
        open_engine(tmp_path / "other.onnx", CPU).run(np.zeros((16, 24, 3), np.float32))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (RuntimeError("Failed to allocate memory for requested buffer of size 1"), RuntimeError),
        (RuntimeError("[ONNXRuntimeError] : 1 : FAIL : bad allocation"), RuntimeError),
        (RuntimeError("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions"), GlmhaError),
    ],
)
def test_errors_while_running(tiny_onnx, monkeypatch, raised, expected):
    """Memory is the planner's to find; all else is one line."""

    class Failing:
        def io_binding(self):
            raise raised

    engine = open_engine(tiny_onnx, CPU)
    monkeypatch.setattr(engine, "session", Failing())
    with pytest.raises(expected) as caught:
        engine.run(np.zeros((16, 16, 3), np.float32))
    assert is_out_of_memory(caught.value) == (expected is RuntimeError)


def test_values_that_are_not_finite_are_an_error(tiny_onnx):
    with pytest.raises(BadDataError, match="infinite or NaN"):
        open_engine(tiny_onnx, CPU).run(np.full((16, 16, 3), np.nan, np.float32))
