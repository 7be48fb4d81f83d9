import pytest
import torch

from custom.networks import SemiMoE, SharedEncoder


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_a_trace_of_one_size_serves_others():
    """As ONNX needs it: the example's sides, 64, are multiples of 32, where nothing is padded."""
    network = SemiMoE(SharedEncoder(pretrained=False, expert_count=1), expert_outputs=[[]]).eval()
    traced = torch.jit.trace(network, torch.rand(1, 3, 64, 64), check_trace=False)
    for height, width in ((64, 64), (70, 65), (20, 33), (96, 32)):
        image = torch.rand(2, 3, height, width)
        torch.testing.assert_close(traced(image), network(image))
