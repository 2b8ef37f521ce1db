"""The peak of a GPU's memory in a training step, under a cap: the memory row of Table 1."""

import gc
from typing import Any

import torch

from onedheat.models import KINDS, ClipNetwork, NetworkConfig, build

CAP = 32 * 2**30  # bytes; the paper's V100
BATCH = 10  # the paper's; of a tracker it does not say whether frames or clips are meant
OUT_OF_MEMORY = "OOM"


def training_peak(
    config: NetworkConfig,
    *,
    device: str | torch.device = "cuda",
    batch: int = BATCH,
    cap: int = CAP,
    cuda: Any = torch.cuda,
) -> int | str:
    """The most bytes that tensors take on a GPU in two training steps in float32 with Adam.

    Two, because the first makes the optimizer's state after its peak. The allocator may reserve up to
    `cap` bytes, so that a larger GPU fails where one of that size would.

    Args:
        config: of any kind of network.
        device: where it is trained; a GPU without a number is the current one.
        batch: pictures a step; of a network that looks at video, the frames of one clip.
        cap: bytes; a GPU that has less keeps its own limit.
        cuda: what counts and limits, `torch.cuda` or something like it.

    Returns:
        Bytes, or ``"OOM"`` where they do not suffice. What other processes and the CUDA context take
        is not counted.
    """
    number = torch.device(device).index
    if number is None:  # which `set_per_process_memory_fraction` refuses
        number = cuda.current_device()
    total = cuda.get_device_properties(number).total_memory
    cuda.set_per_process_memory_fraction(min(1.0, cap / total), number)
    try:
        _forget(cuda, number)
        try:
            _train_two_steps(config, device, batch)
            cuda.synchronize(number)
            return cuda.max_memory_allocated(number)
        except torch.OutOfMemoryError:
            return OUT_OF_MEMORY
    finally:
        # Here the frames of the failed step are gone, and with them its tensors.
        _forget(cuda, number)
        cuda.set_per_process_memory_fraction(1.0, number)


def _train_two_steps(config: NetworkConfig, device: str | torch.device, batch: int) -> None:
    with torch.device(device):
        network = build(config).train()
        images = torch.rand(batch, 3, config.size, config.size)
        labels = torch.rand(batch, config.landmarks, 2) * (config.size - 1)
    if issubclass(KINDS[config.kind], ClipNetwork):
        images, labels = images[None], labels[None]
    optimizer = torch.optim.Adam(network.parameters())
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        network.loss(network(images), labels).backward()
        optimizer.step()


def _forget(cuda: Any, number: int) -> None:
    gc.collect()
    cuda.empty_cache()
    cuda.reset_peak_memory_stats(number)
