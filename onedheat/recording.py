"""Work that a GPU is told once and then does again and again: a CUDA graph.

A step of training is thousands of small kernels. Where a batch is small, handing them over one by one takes
the processor longer than they take the GPU, which waits; played back together, they follow one another.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UP = 3
"""Calls before it is recorded, in which libraries choose algorithms and take their memory."""


class Recording:
    """A call on tensors of a GPU, recorded, to be made on other tensors of the same shapes.

    What it needs of memory it keeps. It must ask the GPU for no number and draw nothing at random, and
    what it changes it must change in place: gradients, say, which are added to.

    Args:
        call: gives a tensor for some tensors.
        inputs: like those that it is to be made on.
        changed: of what `call` changes, what is to be as it was before the recording.
    """

    def __init__(
        self,
        call: Callable[..., Tensor],
        inputs: Sequence[Tensor],
        changed: Sequence[Tensor] = (),
    ):
        self.inputs = [value.clone() for value in inputs]
        before = [value.clone() for value in changed]
        # All on one stream, from the first call on: autograd adds up a weight's gradients on the
        # stream where it first met the weight, and that of the recording has to be it.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                call(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        # Other threads may go on meanwhile: one of the data loader's takes pinned memory.
        with torch.cuda.graph(self.graph, stream=stream, capture_error_mode="thread_local"):
            self.output = call(*self.inputs)
        for value, was in zip(changed, before, strict=True):
            value.copy_(was)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """What `call` gives for these, once the GPU gets there.

        Raises:
            ValueError: tensors of other shapes.
        """
        for mine, given in zip(self.inputs, inputs, strict=True):
            if mine.shape != given.shape:
                raise ValueError(
                    f"recorded with tensors of {tuple(mine.shape)}, not {tuple(given.shape)}"
                )
            mine.copy_(given)
        self.graph.replay()
        return self.output.clone()
