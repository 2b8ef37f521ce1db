"""The recurrent 2D tracker (Peng et al. 2016, [20]), rebuilt on FAN's trunk.

It remembers twice. The response maps of a frame are fed back as further channels of the next picture.
And what comes to the bottom of an hourglass is split in two: the identity part goes on as it is, the
pose part goes through a recurrent layer that sees its own last output. All of that runs through the
trunk, so a clip has to be gone through frame by frame in training too.

Of [20] two things are not here: its encoder and decoder of their own, of which the trunk takes the
place, and its second loss, which teaches the identity part to tell persons by labelled identities.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

from onedheat.models.clips import ClipNetwork, Pictures, apart, merged
from onedheat.models.compared.heatmaps2d import Heatmaps2d, Heatmaps2dConfig
from onedheat.models.compared.maps import Maps, StageMaps
from onedheat.models.network import Reading

ClipMaps = Float[Tensor, "*batch landmarks y x"]


@dataclass(frozen=True, kw_only=True)
class Recurrent2dConfig(Heatmaps2dConfig):
    """What a recurrent 2D tracker is; its trunk is run at the size of its maps."""

    kind: ClassVar[str] = "recurrent2d"

    def __post_init__(self):
        super().__post_init__()
        self.demand(self.way == "trunk", f"way must be 'trunk', got {self.way!r}")

    @property
    def pose_channels(self) -> int:
        """Half of the features at the bottom of an hourglass."""
        return (self.width + self.depth * self.widen) // 2


class Recurrent2dState(NamedTuple):
    """What is kept of the last frame, of several faces.

    Attributes:
        maps: its response maps.
        poses: the recurrent layer's output in each stack.
    """

    maps: Maps
    poses: Float[Tensor, "batch stacks channels height width"]


class PoseLayer(nn.Module):
    """The recurrent layer: p_t = tanh(W·f_t + R·p_{t−1}) of the pose part f, by 3×3 convolutions."""

    def __init__(self, channels: int):
        super().__init__()
        self.now = nn.Conv2d(channels, channels, 3, padding=1)
        self.before = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(
        self,
        pose: Float[Tensor, "batch channels height width"],
        before: Float[Tensor, "batch channels height width"],
    ) -> Float[Tensor, "batch channels height width"]:
        return torch.tanh(self.now(pose) + self.before(before))


class Recurrent2d(ClipNetwork, Heatmaps2d):
    """Maps that regress 2D Gaussians, of each frame by itself and by what was found in the last."""

    Config = Recurrent2dConfig
    config: Recurrent2dConfig

    def __init__(self, config: Recurrent2dConfig):
        super().__init__(config)
        first = self.trunk.stem[0]
        self.trunk.stem[0] = nn.Conv2d(
            3 + config.landmarks, first.out_channels, 7, stride=first.stride, padding=3
        )
        self.pose_layers = nn.ModuleList(
            PoseLayer(config.pose_channels) for _ in range(config.stacks)
        )

    def blind_to_its_maps(self, detector: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights of a 2D detector as this network can begin with them.

        Its first layer sees maps beside the picture; what it makes of these is 0 at first.

        Args:
            detector: a state dict; not changed.
        """
        first = detector["trunk.stem.0.weight"]  # (C, 3, 7, 7)
        maps = first.new_zeros(len(first), self.config.landmarks, *first.shape[2:])
        return detector | {"trunk.stem.0.weight": torch.cat([first, maps], dim=1)}

    def forward(self, images: Pictures) -> ClipMaps | list[ClipMaps]:
        """Maps (B, T, N, L, L) of clips (B, T, 3, F, F) of RGB pictures with values in [0, 1].

        Pictures (B, 3, F, F) are clips of one frame each. In training mode several supervised stacks
        give a list, the last stack last.

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        self.check(images)
        state = self.start(images.shape[0])
        if images.ndim == 4:
            return self._advance(images, state)[0]
        outputs = []
        for frame in images.unbind(dim=1):
            output, state = self._advance(frame, state)
            outputs.append(output)
        if isinstance(outputs[0], list):
            return [torch.stack(maps, dim=1) for maps in zip(*outputs, strict=True)]
        return torch.stack(outputs, dim=1)

    def start(self, faces: int = 1) -> Recurrent2dState:
        """The state of so many faces of which no frame has been seen: no map, no pose."""
        config, like = self.config, self.trunk.stem[0].weight
        smallest = config.bins // 2**config.depth
        poses = (faces, config.stacks, config.pose_channels, smallest, smallest)
        maps = (faces, config.landmarks, config.bins, config.bins)
        return Recurrent2dState(like.new_zeros(maps), like.new_zeros(poses))

    def step(
        self, images: Float[Tensor, "batch 3 size size"], state: Recurrent2dState
    ) -> tuple[Maps | list[StageMaps], Recurrent2dState]:
        """Maps (B, N, L, L) of the next frame of each face, and the state after it.

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        self.check(images)
        return self._advance(images, state)

    def _advance(
        self, images: Float[Tensor, "batch 3 size size"], state: Recurrent2dState
    ) -> tuple[Maps | list[StageMaps], Recurrent2dState]:
        back = nnf.interpolate(state.maps, size=images.shape[-2:], mode="nearest")
        layers = zip(self.pose_layers, state.poses.unbind(dim=1), strict=True)
        poses = []

        def remember(features: Tensor) -> Tensor:
            identity, pose = features.chunk(2, dim=1)
            layer, before = next(layers)
            poses.append(layer(pose, before))
            return torch.cat([identity, poses[-1]], dim=1)

        stages = self.trunk.stages(torch.cat([images - 0.5, back], dim=1), remember)
        maps = [stage.maps for stage in stages]
        supervised = self.training and self.config.supervise_all and len(maps) > 1
        after = Recurrent2dState(maps[-1], torch.stack(poses, dim=1))
        return (maps if supervised else maps[-1]), after

    def loss(
        self, output: ClipMaps | list[ClipMaps], landmarks: Float[Tensor, "*batch landmarks 2"]
    ) -> Float[Tensor, ""]:
        """As Eq. 14: the loss of each frame, summed over a clip's frames and the supervised stacks."""
        frames = landmarks.shape[1] if landmarks.ndim == 4 else 1
        stacks = output if isinstance(output, list) else [output]
        return frames * sum(
            self.loss_of_maps(merged(maps, 3), merged(landmarks, 2)) for maps in stacks
        )

    def read(self, output: ClipMaps, decoder: str | None = None) -> Reading:
        """Landmarks of maps (B, N, L, L), or (B, T, N, L, L), with the same axes before N."""
        found = super().read(merged(output, 3), decoder)
        return Reading(*(apart(values, output.shape[:-3]) for values in found))
