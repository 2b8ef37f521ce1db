"""The puzzle of notebook 04: two blobs, and a network whose axes see one shadow each.

A picture holds two blobs of different brightness. The x branch is given its sum over y and nothing
else, the y branch its sum over x. Asked is where the lower blob is (the larger y). Its y can be read
off the y shadow. Its x cannot be read off the x shadow: turned upside down, the picture has the same x
shadow and another answer.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from onedheat.heatmaps import Heatmaps
from onedheat.models.coattention import Affinity, AxisFeatures, CoAttention
from onedheat.models.losses import heatmap_loss
from onedheat.plots.puzzle import Case, PuzzleView
from onedheat.threads import one_thread

SIZE = 24  # a, side of the pictures in pixels; a bin is a pixel
BLOB = 1.0  # standard deviation of a blob, px
APART = 5.0  # px between the blobs along each axis, at least; their shadows do not run together
MARGIN = 2.0  # px from the outermost pixel to a blob
BRIGHTNESS = (0.3, 1.3)
CONTRAST = 0.25  # between the brightnesses, at least
TARGET_SIGMA = 1.0  # px, as wide as a blob
LEVELS = 6  # of brightness that an encoder tells apart
FIRST_GAIN = 4.0  # features this large compare like with like before anything is learned
DEPTH, WIDTH = 8, 32  # h, and the channels inside a reader
BATCH, RATE = 64, 1e-2  # pictures in a step of training, and its learning rate

Shadow = Float[Tensor, "pictures size"]


@dataclass(frozen=True, eq=False)
class Blobs:
    """Pictures with a few blobs each.

    Attributes:
        places: (B, n, 2), x and y of each blob in pixels.
        brightness: (B, n), what its shadow has at its peak; 0 for a blob that is not there.
    """

    places: Float[Tensor, "pictures blobs 2"]
    brightness: Float[Tensor, "pictures blobs"]

    @property
    def lower(self) -> Int[Tensor, " pictures"]:
        """Which blob is the lowest one."""
        return self.places[..., 1].masked_fill(self.brightness == 0, -1).argmax(dim=1)

    def brighter_first(self) -> Float[Tensor, "pictures blobs 2"]:
        """The places, those of the brightest blobs first."""
        order = self.brightness.argsort(dim=1, descending=True)
        return self.places.take_along_dim(order[..., None], dim=1)

    def upside_down(self) -> "Blobs":
        """The pictures turned over: the same x shadows, the other blob is the lower one."""
        x, y = self.places.unbind(dim=-1)
        return replace(self, places=torch.stack([x, SIZE - 1 - y], dim=-1))

    def swapped_in_y(self) -> "Blobs":
        """The two brightnesses exchanged; for use as the y shadow alone."""
        return replace(self, brightness=self.brightness.flip(1))

    def pictures(self) -> Float[Tensor, "pictures size size"]:
        """(B, y, x)."""
        along = torch.exp(-((pixels() - self.places[..., None]) ** 2) / (2 * BLOB**2))
        x, y = along.unbind(dim=2)
        one = self.brightness[..., None, None] * y[..., :, None] * x[..., None, :]
        return one.sum(dim=1) / (BLOB * math.sqrt(2 * math.pi))

    def shadows(self) -> tuple[Shadow, Shadow]:
        """The pictures summed over y, and summed over x: all that each branch is given."""
        pictures = self.pictures()
        return pictures.sum(dim=-2), pictures.sum(dim=-1)


def pixels() -> Float[Tensor, " size"]:
    """The coordinates of the pixels along an axis."""
    return torch.arange(SIZE, dtype=torch.float32)


def draw_blobs(count: int, generator: torch.Generator, *, third: bool = False) -> Blobs:
    """Random pictures: how bright a blob is says nothing about where it is.

    Args:
        count: B.
        generator: where chance comes from.
        third: put a third blob into half of the pictures.
    """
    number, inside = 2 + third, (MARGIN, SIZE - 1 - MARGIN)
    x, y = (_draw_apart(count, number, *inside, APART, generator) for _ in range(2))
    brightness = _draw_apart(count, number, *BRIGHTNESS, CONTRAST, generator)
    if third:
        brightness[torch.rand(count, generator=generator) < 0.5, 2] = 0
    return Blobs(torch.stack([x, y], dim=-1), brightness)


def _draw_apart(
    count: int, number: int, low: float, high: float, apart: float, generator: torch.Generator
) -> Float[Tensor, "count number"]:
    """Numbers from low to high that are that far apart at least, in random order."""
    steps = apart * torch.arange(number)
    found = torch.rand(count, number, generator=generator).sort(dim=1).values
    found = low + found * (high - low - steps[-1]) + steps
    return found.gather(1, torch.rand(count, number, generator=generator).argsort(dim=1))


# The network -------------------------------------------------------------------------------------


class Encoder(nn.Module):
    """CNN₁ of the puzzle: a shadow → D of one channel, (B, 1, a, h).

    Each pixel's brightness is told by how near it is to some fixed levels, beside its place; one
    convolution over five pixels makes D of them. It is linear, so D tells brightness and place nearly
    each for itself, and the mean of both blobs' D says little about which belongs to which. With a
    deeper encoder it did, and networks were right with rows that matched nothing.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("levels", torch.linspace(0, BRIGHTNESS[1], LEVELS))
        self.layer = nn.Conv1d(LEVELS + 1, DEPTH, kernel_size=5, padding=2)
        with torch.no_grad():
            self.layer.weight *= FIRST_GAIN

    def forward(self, shadow: Shadow) -> AxisFeatures:
        width = self.levels[1] - self.levels[0]
        near = torch.exp(-(((shadow[:, None] - self.levels[:, None]) / width) ** 2) / 2)
        place = torch.linspace(-1, 1, SIZE, device=shadow.device).expand_as(shadow)[:, None]
        return self.layer(torch.cat([near, place], dim=1)).mT[:, None]


class Reader(nn.Module):
    """CNN₂ of the puzzle: D′ of (B, 1, a, h) → logits of one landmark, (B, 1, a); sees one pixel to
    each side."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(DEPTH, WIDTH, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv1d(WIDTH, 1, kernel_size=1),
        )

    def forward(self, features: AxisFeatures) -> Float[Tensor, "batch 1 bins"]:
        return self.layers(features[:, 0].mT)


class PuzzleNetwork(nn.Module):
    """Two branches and the package's co-attention between them: the paper's detector in little.

    Args:
        gamma: γ of Eq. 10; at 0 the branches stay apart.
    """

    def __init__(self, gamma: float):
        super().__init__()
        self.encode_x, self.encode_y = Encoder(), Encoder()
        # P and Q start at the identity; with encoders that start alike, like is compared with like.
        self.encode_y.load_state_dict(self.encode_x.state_dict())
        self.coattention = CoAttention(DEPTH, gamma)
        self.read_x, self.read_y = Reader(), Reader()

    def forward(self, shadow_x: Shadow, shadow_y: Shadow) -> Heatmaps:
        """Logits of where the lower blob is, (B, 1, a) each."""
        dx, dy = self.coattention(self.encode_x(shadow_x), self.encode_y(shadow_y))
        return Heatmaps(x=self.read_x(dx), y=self.read_y(dy))

    def affinities(self, shadow_x: Shadow, shadow_y: Shadow) -> Float[Tensor, "batch size size"]:
        """W^{yx} of Eq. 9: row i says which y positions matter to x position i."""
        yx, _ = self.coattention.affinities(self.encode_x(shadow_x), self.encode_y(shadow_y))
        return yx[:, 0]

    def forward_with(self, yx: Affinity, shadow_x: Shadow, shadow_y: Shadow) -> Tensor:
        """The x logits with another W^{yx} in place of its own, to see what its own are good for."""
        dx, dy = self.encode_x(shadow_x), self.encode_y(shadow_y)
        return self.read_x(dx + self.coattention.gamma * yx @ dy)


def train_puzzle(
    gamma: float, *, seed: int = 0, steps: int = 300, device: str = "cpu"
) -> PuzzleNetwork:
    """Trains on pictures that are new at every step: same seed, same pictures whatever γ.

    Half of them hold a third blob, so that being right without matching is harder to learn: what is
    looked at on average says even less of which of three belongs to which.

    The loss is the cross-entropy of `onedheat.models.losses`. Its softmax runs over all bins, so
    positions compete for the answer without a layer that sees them all.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = PuzzleNetwork(gamma).to(device)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, max(1, steps))
    with one_thread():  # so small that others would only wait for one another
        for _ in range(steps):
            blobs = draw_blobs(BATCH, generator, third=True)
            asked = blobs.places[torch.arange(BATCH), blobs.lower][:, None].to(device)
            heatmaps = network(*(shadow.to(device) for shadow in blobs.shadows()))
            loss = heatmap_loss(heatmaps, asked, SIZE, TARGET_SIGMA, loss="cross_entropy")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.cpu().eval()


# What it has learned -----------------------------------------------------------------------------


def chosen(logits: Float[Tensor, "pictures 1 size"], blobs: Blobs, axis: int) -> Tensor:
    """Which blob a heatmap's best bin is nearest to, (B,)."""
    best = logits[:, 0].argmax(dim=-1, keepdim=True)
    return (blobs.places[..., axis] - best).abs().argmin(dim=1)


@torch.no_grad()
def is_right(network: PuzzleNetwork, blobs: Blobs) -> Bool[Tensor, "pictures 2"]:
    """Whether the x and the y heatmap name the lower blob."""
    heatmaps = network(*blobs.shadows())
    return torch.stack(
        [chosen(logits, blobs, axis) == blobs.lower for axis, logits in enumerate(heatmaps)], dim=1
    )


@torch.no_grad()
def is_right_with_equal_rows(network: PuzzleNetwork, blobs: Blobs) -> Bool[Tensor, " pictures"]:
    """Whether x names the lower blob when every row of W^{yx} is made the same: 1/a everywhere."""
    shadows = blobs.shadows()
    equal = torch.full((len(blobs.places), 1, SIZE, SIZE), 1 / SIZE)
    return chosen(network.forward_with(equal, *shadows), blobs, 0) == blobs.lower


@torch.no_grad()
def follows_brightness(network: PuzzleNetwork, blobs: Blobs) -> Bool[Tensor, " pictures"]:
    """Whether the x answer goes to the other blob when brightness is exchanged in the y shadow alone."""
    shadow_x, shadow_y = blobs.shadows()
    _, exchanged = blobs.swapped_in_y().shadows()
    before, after = (network(shadow_x, y).x for y in (shadow_y, exchanged))
    return chosen(before, blobs, 0) != chosen(after, blobs, 0)


@torch.no_grad()
def weight_between_blobs(network: PuzzleNetwork, blobs: Blobs) -> Float[Tensor, "pictures 2 2"]:
    """How much of blob i's row of W^{yx} lies on blob j: within 1.5 pixels of its y. Brighter first."""
    yx = network.affinities(*blobs.shadows())
    places = blobs.brighter_first()
    rows = yx.take_along_dim(places[..., 0].round().long()[..., None], dim=1)
    near = (pixels() - places[..., 1, None]).abs() <= 1.5
    return rows @ near.float().mT


# Its pictures ------------------------------------------------------------------------------------


def puzzle_view(networks: Mapping[str, PuzzleNetwork], blobs: Blobs) -> PuzzleView:
    """Pictures, as they are and upside down, with what two networks make of them.

    Args:
        networks: two, by name; the affinity shown is the second one's.
        blobs: the pictures.

    Raises:
        ValueError: there are not two of them.
    """
    if len(networks) != 2:
        raise ValueError(
            f"two networks of different names are compared, got {', '.join(networks)}; "
            "choose a γ above 0"
        )
    return PuzzleView(_cases(networks, blobs), _cases(networks, blobs.upside_down()))


@torch.no_grad()
def _cases(networks: Mapping[str, PuzzleNetwork], blobs: Blobs) -> list[Case]:
    shadows = blobs.shadows()
    *_, attentive = networks.values()
    yx, pictures = attentive.affinities(*shadows), blobs.pictures()
    answers = {
        name: network(*shadows).x[:, 0].softmax(dim=-1) for name, network in networks.items()
    }
    places = blobs.brighter_first()
    return [
        Case(
            pictures[index].numpy(),
            places[index].double().numpy(),
            yx[index].numpy(),
            {name: answer[index].numpy() for name, answer in answers.items()},
        )
        for index in range(len(places))
    ]
