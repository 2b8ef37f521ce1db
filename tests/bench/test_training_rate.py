"""How fast a GPU trains: what is counted of a step, without a GPU; the times with one."""

import pytest
import torch
from torch import nn

from onedheat.bench.training_rate import (
    _fastest_convolutions,
    _pictures,
    _step_of,
    bytes_moved,
    convolution_seconds,
    flops_of,
    training_rate,
)
from onedheat.models import DetectorConfig, build

SMALL = DetectorConfig(size=64, depth=1, width=32, channels=16, compressed=4, stacks=2)

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def network():
    return build(SMALL).train()


@pytest.fixture
def pictures():
    return _pictures(SMALL, 2, "cpu")


def multiplications(network, images):
    """Of all convolutions in a forward pass: of a plain one a filter's size for each number that
    comes out, of a transposed one for each that goes in.
    """
    counts = []

    def note(layer, inputs, output):
        transposed = isinstance(layer, nn.ConvTranspose1d)
        counts.append((inputs[0] if transposed else output).numel() * layer.weight[0].numel())

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose1d):
            layer.register_forward_hook(note)
    network(images)
    return sum(counts)


def test_a_step_changes_every_weight(network, pictures):
    step = _step_of(network, *pictures)
    before = {name: value.clone() for name, value in network.named_parameters()}
    step()
    assert not [name for name, value in network.named_parameters() if value.equal(before[name])]


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_each_step_has_gradients_of_its_own(device):
    network = build(SMALL).to(device, memory_format=torch.channels_last).train()
    step = _step_of(network, *_pictures(SMALL, 2, device))
    weights, lengths = list(network.parameters()), []
    start = [weight.detach().clone() for weight in weights]
    for _ in range(3):
        with torch.no_grad():
            for weight, value in zip(weights, start, strict=True):
                weight.copy_(value)
        step()
        lengths.append(torch.cat([weight.grad.flatten() for weight in weights]).norm().item())
    assert lengths[0] > 0 and lengths[1:] == pytest.approx([lengths[0]] * 2, rel=0.02)


def test_the_operations_of_a_step_are_three_times_those_of_its_convolutions(network, pictures):
    expected = 3 * 2 * multiplications(build(SMALL).train(), pictures[0])
    assert flops_of(_step_of(network, *pictures)) == pytest.approx(expected, rel=0.15)


def test_operations_of_a_product_are_exact():
    left, right = torch.rand(3, 5), torch.rand(5, 7)
    assert flops_of(lambda: left @ right) == 2 * 3 * 5 * 7


def test_the_time_of_convolutions_is_that_of_both_directions_and_of_nothing_else():
    images = torch.rand(4, 32, 64, 64, requires_grad=True)
    filters = torch.rand(64, 32, 3, 3, requires_grad=True)

    def forward():
        return torch.nn.functional.conv2d(images, filters)

    def seconds(call):
        return min(convolution_seconds(call) for _ in range(5))

    there, both = seconds(forward), seconds(lambda: forward().sum().backward())
    assert 0 < 1.3 * there < both
    assert convolution_seconds(lambda: filters.exp()) == 0


def test_bytes_are_what_autograd_keeps_and_what_adam_needs_written_and_read(network, pictures):
    kept = {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    images, labels = pictures
    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        loss = network.loss(network(images), labels)
    assert loss.requires_grad
    there = [*network.parameters(), *network.buffers(), images, labels]
    left_out = {tensor.untyped_storage().data_ptr() for tensor in there}
    activations = sum(kept[address].nbytes() for address in kept.keys() - left_out)
    weights = sum(weight.numel() for weight in network.parameters())
    moved = bytes_moved(network, images, labels)
    assert moved == pytest.approx(2 * activations + 2 * 4 * 4 * weights, rel=1e-3)


@pytest.mark.parametrize("before", [False, True])
def test_the_choice_of_algorithms_is_put_back(monkeypatch, before):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", before)
    with pytest.raises(torch.OutOfMemoryError), _fastest_convolutions():
        assert torch.backends.cudnn.benchmark
        raise torch.OutOfMemoryError
    assert torch.backends.cudnn.benchmark is before


@needs_gpu
def test_a_gpu_trains_a_tiny_detector():
    before = torch.backends.cudnn.benchmark
    peak = {"tflops": 2000.0, "tbytes": 20.0}  # more than any has
    rate = training_rate(DetectorConfig(loss="cross_entropy"), peak, batch=8)
    assert list(rate) == ["images_per_second", "tflops", "tbytes", "floor", "convolutions"]
    assert rate["images_per_second"] > 0 and 0 < rate["floor"] < 1
    assert rate["floor"] == max(rate["tflops"] / 2000, rate["tbytes"] / 20)
    assert rate["floor"] < rate["convolutions"] < 1
    assert torch.backends.cudnn.benchmark is before
