"""How fast a GPU trains a network, and how fast it could at most.

Two ceilings of the chip are measured: the rate of a large matrix product in bfloat16, and that of a large
copy in its memory. A step of training has at least so many operations to do and at least so many bytes to
move, and the longer of these two times is its floor.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import torch
from torch import Tensor
from torch.profiler import profile, supported_activities
from torch.utils.flop_counter import FlopCounterMode

from onedheat.bench.saved_bytes import saved_by_autograd
from onedheat.models import LandmarkNetwork, NetworkConfig, build
from onedheat.recording import Recording

BATCH = 64
SIDE = 8192  # of the matrices that are multiplied
COPIED = 2**30  # bytes
WARM = 3  # calls before a step is timed
CONVOLUTIONS = "aten::convolution", "aten::convolution_backward"


def ceilings(device: torch.device | str = "cuda") -> dict[str, float]:
    """What a GPU reaches at best: `tflops` in bfloat16, and `tbytes` a second, read and written."""
    with torch.cuda.device(device):
        left, right = torch.randn(2, SIDE, SIDE, device=device, dtype=torch.bfloat16)
        source = torch.randint(256, (COPIED,), device=device, dtype=torch.uint8)
        target = torch.empty_like(source)
        return {
            "tflops": 2 * SIDE**3 / seconds_of(lambda: left @ right) / 1e12,
            "tbytes": 2 * COPIED / seconds_of(lambda: target.copy_(source)) / 1e12,
        }


def training_rate(
    config: NetworkConfig,
    peak: dict[str, float],
    *,
    batch: int = BATCH,
    device: torch.device | str = "cuda",
) -> dict[str, float]:
    """The bare step of training in bfloat16 with Adam beside its floor: no data are prepared.

    The step is played back from a recording, as `onedheat.training` does it.

    Args:
        config: of any kind of network.
        peak: what the GPU reaches at best, see `ceilings`.
        batch: pictures a step.
        device: a GPU.

    Returns:
        `images_per_second`; `tflops` and `tbytes` a second that were reached, where of bytes those are
        counted that no implementation could spare, see `bytes_moved`; `floor`, the share of the time
        that the larger of the two needs at the GPU's best; `convolutions`, what `floor` would be if
        nothing but cuDNN's convolutions took time.
    """
    network = build(config).to(device, memory_format=torch.channels_last).train()
    images, labels = _pictures(config, batch, device)
    with torch.cuda.device(device), _fastest_convolutions():
        step = _step_of(network, images, labels)
        seconds = seconds_of(step)

        def told() -> None:
            _loss(network, images, labels).backward()

        flops, moved = flops_of(told), bytes_moved(network, images, labels)
        convolving = convolution_seconds(told)
    reached = {"tflops": flops / seconds / 1e12, "tbytes": moved / seconds / 1e12}
    floor = max(reached[name] / peak[name] for name in reached)
    return {
        "images_per_second": batch / seconds,
        **reached,
        "floor": floor,
        "convolutions": floor * seconds / convolving,
    }


def seconds_of(call: Callable[[], object], times: int = 15) -> float:
    """Median seconds that the current GPU takes for a call, by its own clock, once it is warm."""
    for _ in range(WARM):
        call()
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(times + 1)]
    marks[0].record()
    for mark in marks[1:]:
        call()
        mark.record()
    torch.cuda.synchronize()
    return median(a.elapsed_time(b) for a, b in zip(marks, marks[1:], strict=False)) / 1000


def flops_of(call: Callable[[], object]) -> int:
    """Operations of the products and convolutions in a call, forward and backward: 2 a
    multiplication with its addition.
    """
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def convolution_seconds(call: Callable[[], object]) -> float:
    """Seconds that convolutions take in a call, forward and backward: of a GPU, where there is one."""
    call()
    with profile(activities=supported_activities()) as profiled:
        call()
    rows = [row for row in profiled.key_averages() if row.key in CONVOLUTIONS]
    on_gpu, on_processor = (
        sum(getattr(row, f"{of}_time_total") for row in rows) for of in ("device", "cpu")
    )
    return (on_gpu or on_processor) / 1e6


def bytes_moved(network: LandmarkNetwork, images: Tensor, labels: Tensor) -> int:
    """Bytes that a step must move at least: what autograd keeps, and each weight, its gradient and
    Adam's two averages in float32, all of them written and read once.
    """
    with saved_by_autograd(network, images, labels) as count:
        _loss(network, images, labels)
    return 2 * (count() + 4 * 4 * sum(weight.numel() for weight in network.parameters()))


def _step_of(network: LandmarkNetwork, images: Tensor, labels: Tensor) -> Callable[[], None]:
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def add_gradients(images: Tensor, labels: Tensor) -> Tensor:
        loss = _loss(network, images, labels)
        loss.backward()
        return loss.detach()

    if images.is_cuda:
        add_gradients = Recording(add_gradients, (images, labels))

    def step() -> None:
        optimizer.zero_grad(set_to_none=not images.is_cuda)
        add_gradients(images, labels)
        optimizer.step()

    return step


@contextmanager
def _fastest_convolutions() -> Iterator[None]:
    """cuDNN tries its algorithms for each shape and keeps the fastest."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _loss(network: LandmarkNetwork, images: Tensor, labels: Tensor) -> Tensor:
    with torch.autocast(images.device.type, torch.bfloat16):
        return network.loss(network(images), labels)


def _pictures(
    config: NetworkConfig, batch: int, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    images = torch.rand(batch, 3, config.size, config.size, device=device)
    labels = torch.rand(batch, config.landmarks, 2, device=device) * (config.size - 1)
    return images.contiguous(memory_format=torch.channels_last), labels
