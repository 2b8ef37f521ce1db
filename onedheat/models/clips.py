"""What networks that look at video have in common: whole clips in training, one frame at a time in use.

A *state* is what such a network keeps of the frames it has seen, of several faces at once: a named
tuple of tensors whose first axis is the face. Its size does not depend on how many frames that were.
`parted` and `join` part and gather the faces of any state.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.models.network import LandmarkNetwork

Pictures = Float[Tensor, "*batch 3 size size"]  # (B, 3, F, F), or clips (B, T, 3, F, F)
State = TypeVar("State", bound=tuple)


class ClipNetwork(LandmarkNetwork):
    """A network whose answer depends on the frames before.

    `forward` takes clips (B, T, 3, F, F), and its output, its `loss` and its `read` then have the axes
    (B, T) where those of a detector have (B,). It takes pictures (B, 3, F, F) too, each a clip of one
    frame, so that whatever runs a detector runs such a network frame by frame, without memory.
    """

    @abstractmethod
    def forward(self, images: Pictures) -> Any:
        """The output for clips of RGB pictures with values in [0, 1]."""

    @abstractmethod
    def start(self, faces: int = 1) -> Any:
        """The state of so many faces of which no frame has been seen."""

    @abstractmethod
    def step(self, images: Float[Tensor, "batch 3 size size"], state: Any) -> tuple[Any, Any]:
        """The output for the next frame of each face, and the state after it."""

    def check(self, images: Tensor) -> None:
        """Refuses what is neither clips nor pictures that the network can see right.

        Raises:
            ValueError: see `LandmarkNetwork.check`.
        """
        if images.ndim == 5 and 0 in images.shape[:2]:
            raise ValueError(f"expected clips of at least one frame, got {tuple(images.shape)}")
        super().check(images.flatten(0, 1) if images.ndim == 5 else images)


def merged(values: Tensor, left: int) -> Tensor:
    """Clips as pictures: the axes before the last `left` made one, (B, T, …) → (B·T, …)."""
    return values.flatten(0, values.ndim - left - 1)


def apart(values: Tensor, batch: Sequence[int | torch.SymInt]) -> Tensor:
    """The opposite of `merged`, (B·T, …) → (B, T, …)."""
    return values.unflatten(0, tuple(batch))


def parted(state: State) -> list[State]:
    """Each face's state by itself; they are views of the one given."""
    each = zip(*(part.split(1) for part in state), strict=True)
    return [type(state)(*parts) for parts in each]


def join(states: Sequence[State]) -> State:
    """The faces of several states in one; one state is given back as it is.

    Raises:
        ValueError: no states.
    """
    if not states:
        raise ValueError("no states to join; network.start(faces=0) is the state of no face")
    if len(states) == 1:
        return states[0]
    return type(states[0])(*(torch.cat(parts) for parts in zip(*states, strict=True)))


def state_bytes(state: tuple) -> int:
    """Bytes of a state, a face."""
    return sum(part[:1].numel() * part.element_size() for part in state)
