"""When a forward is recorded and what a recording gives; by a stand-in for CUDA's, and by CUDA's where there is one."""

import pytest
import torch

from glmha_cli.inference.cuda_graphs import MOST_GRAPHS, CudaRecorder, Graphs
from glmha_cli.networks.restormer import RestormerConfig


def record(forward, inputs):
    """Computes again into the same tensor, as a graph does."""
    own = [tensor.clone() for tensor in inputs]
    output = torch.empty_like(forward(*own))
    return own, lambda: output.copy_(forward(*own)), output


def refuse(forward, inputs):
    raise RuntimeError("operation not permitted when stream is capturing")


def double(x, y):
    return 2 * x + y


def test_outputs_are_the_forwards_and_stay_when_the_next_comes():
    graphs = Graphs(double, record)
    given = [(torch.rand(3, 4), torch.rand(3, 4)) for _ in range(4)]
    outputs = [graphs(*each) for each in given]
    assert len(graphs.recordings) == 1
    assert all(torch.equal(output, double(*each)) for output, each in zip(outputs, given, strict=True))


def test_few_shapes_are_recorded_and_each_when_it_comes_again():
    graphs = Graphs(double, record)
    for size in range(1, MOST_GRAPHS + 4):
        for _ in range(2):
            x = torch.rand(size)
            assert torch.equal(graphs(x, x), 3 * x)
            assert len(graphs.recordings) <= MOST_GRAPHS
    Graphs(double, refuse)(x, x)  # not at the first time


def test_a_forward_that_cannot_be_recorded_runs_as_it_is():
    graphs, x = Graphs(double, refuse), torch.rand(3)
    assert all(torch.equal(graphs(x, x), double(x, x)) for _ in range(3))


def test_where_memory_runs_out_recordings_are_given_up_first():
    room = [True]

    def forward(x):
        if not room[0]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 2 * x

    graphs, x = Graphs(forward, record), torch.rand(3)
    graphs(x), graphs(x)
    assert graphs.recordings
    room[0] = False
    with pytest.raises(torch.OutOfMemoryError):
        graphs(x)
    assert not graphs.recordings
    room[0] = True
    assert torch.equal(graphs(x), 2 * x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@torch.inference_mode()
def test_on_cuda():
    network = RestormerConfig(channels=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1).build().eval().cuda()
    graphs = Graphs(network, CudaRecorder())
    for _ in range(3):
        image = torch.rand(2, 3, 32, 32, device="cuda")
        torch.testing.assert_close(graphs(image), network(image))
    assert len(graphs.recordings) == 1
