"""PyTorch as an engine, and what an engine is."""

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.models import LandmarkNetwork
from onedheat.models.folding import fold_batch_norms


@runtime_checkable
class Engine(Protocol):
    """What computes a network's output; the network itself reads landmarks off it.

    Attributes:
        device: where it wants its pictures.
    """

    @property
    def device(self) -> torch.device: ...

    def __call__(self, pictures: Float[Tensor, "batch 3 size size"]) -> Any:
        """The network's output for pictures with values in [0, 1], (B, 3, F, F)."""
        ...


class TorchEngine:
    """A network made ready for use: batch norms folded, channels last in memory, no gradients.

    Args:
        network: copied; it can be trained on.
        device: where it runs.
        precision: ``"fp32"``; ``"bf16"`` multiplies and convolves in bfloat16 (and takes the softmax of the
            co-attention in float32); outputs are float32 either way.

    Raises:
        ValueError: no such precision.
    """

    def __init__(
        self,
        network: LandmarkNetwork,
        device: str | torch.device = "cpu",
        precision: str = "fp32",
    ):
        if precision not in ("fp32", "bf16"):
            raise ValueError(f"precision must be 'fp32' or 'bf16', got {precision!r}")
        self.precision = precision
        self._device = torch.device(device)
        self._folded = fold_batch_norms(network).to(self._device, memory_format=torch.channels_last)

    @property
    def device(self) -> torch.device:
        return self._device

    @torch.inference_mode()
    def __call__(self, pictures: Float[Tensor, "batch 3 size size"]) -> Any:
        """The network's output for pictures with values in [0, 1], (B, 3, F, F).

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        pictures = pictures.to(self._device, memory_format=torch.channels_last)
        narrow = self.precision == "bf16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=narrow):
            output = self._folded(pictures)
        return rebuilt(output, [values.float() for values in tensors_of(output)])


def tensors_of(output: Any) -> list[Tensor]:
    """The tensors of a network's output: of one that is a tensor, that one."""
    return [output] if isinstance(output, Tensor) else list(output)


def rebuilt(output: Any, tensors: list[Tensor]) -> Any:
    """Other tensors in the form of an output."""
    return tensors[0] if isinstance(output, Tensor) else type(output)(*tensors)
