"""What the tracker's refinement learns where a detector goes blind for some frames."""

import pytest
import torch

from onedheat.heatmaps import Heatmaps, render
from onedheat.models import Tracker, TrackerConfig

CLIPS, FRAMES, LANDMARKS, SIZE = 16, 8, 3, 64


def blinking(generator: torch.Generator) -> tuple[Heatmaps, torch.Tensor, torch.Tensor]:
    """Heatmaps of landmarks that each drift on their own, blank for three frames of one landmark."""

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    start, speed = 16 + 32 * draw(CLIPS, 1, LANDMARKS, 2), draw(CLIPS, 1, LANDMARKS, 2) - 0.5
    landmarks = start + speed * torch.arange(FRAMES)[:, None, None]
    hidden = torch.zeros(CLIPS, FRAMES, LANDMARKS, dtype=torch.bool)
    begins = torch.randint(2, FRAMES - 2, (CLIPS,), generator=generator)
    which = torch.randint(0, LANDMARKS, (CLIPS,), generator=generator)
    for clip in range(CLIPS):
        hidden[clip, begins[clip] : begins[clip] + 3, which[clip]] = True
    seen = ~hidden[..., None]
    vectors = (render(landmarks[..., axis], SIZE, SIZE, 2.0) * seen for axis in (0, 1))
    return Heatmaps(*vectors), landmarks, hidden


def taught(decay: float, steps: int = 240) -> tuple[list[float], float]:
    """Its losses, and its mean error in pixels of hidden landmarks in clips it has not seen."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    config = TrackerConfig(
        landmarks=LANDMARKS, size=SIZE, depth=1, width=16, channels=16, compressed=4, upsample=4,
        target_sigma=2.0, decay=decay, features=24,
    )  # fmt: skip
    tracker = Tracker(config)
    tracker.freeze_detector()
    own = [weights for weights in tracker.parameters() if weights.requires_grad]
    optimizer, losses = torch.optim.Adam(own, lr=3e-3), []
    for _ in range(steps):
        detected, landmarks, _ = blinking(generator)
        loss = tracker.loss(tracker.refine_clip(detected), landmarks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    detected, landmarks, hidden = blinking(torch.Generator().manual_seed(99))
    with torch.no_grad():
        found = tracker.read(tracker.refine_clip(detected), "centroid").landmarks
    return losses, (found - landmarks).norm(dim=-1)[hidden].mean().item()


@pytest.mark.timeout(300)
def test_what_the_detector_does_not_see_is_found_by_memory_and_only_by_memory():
    losses, with_memory = taught(decay=0.5)
    _, without = taught(decay=0.0)
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
    assert with_memory < 0.5 * without, (with_memory, without)
