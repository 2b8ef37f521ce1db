"""What learns: a network, its optimiser, and the average of its weights. One step of it is `learn`."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from jaxtyping import Bool, Float
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from onedheat.data.augment import Augmentation
from onedheat.data.crops import FaceBatch
from onedheat.models import LandmarkNetwork, NetworkConfig, build
from onedheat.models.clips import Pictures
from onedheat.presets import TrainConfig
from onedheat.recording import Recording
from onedheat.training.schedule import MicroBatches, ema_decay, learning_rate
from onedheat.training.starting import take_over

Gradients = Callable[[Pictures, Tensor, Tensor], Float[Tensor, ""]]
"""Adds the gradients of pictures, given their landmarks and which of these are hidden; gives the loss."""


class Learner:
    """A network that is being trained.

    Args:
        network: which.
        config: how.
        plan: the parts of a batch that are this process's.
        accelerator: where.
        start: weights to start from, of a network with the same trunk.

    Attributes:
        bare: the network, without what accelerate wraps around it.
        average: its averaged weights, which are what is used (`average.module`).
        step: steps made.
    """

    def __init__(
        self,
        network: NetworkConfig,
        config: TrainConfig,
        plan: MicroBatches,
        accelerator: Accelerator,
        start: LandmarkNetwork | None = None,
    ):
        self.config, self.plan, self.accelerator = config, plan, accelerator
        self.network, self.start = network, start
        self.bare = self.untrained()
        taught = [weight for weight in self.bare.parameters() if weight.requires_grad]
        optimizer = torch.optim.Adam(taught, lr=config.learning_rate, fused=True)
        # Or processes would wait for gradients that never come. It costs time where there are none such.
        accelerator.ddp_handler.find_unused_parameters = self.bare.has_idle_weights
        with warnings.catch_warnings():
            # What is to take its place came with torch 2.13.
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            self.wrapped, self.optimizer = accelerator.prepare(self.bare, optimizer)
        self.average = AveragedModel(self.bare, use_buffers=True)
        both = [[*net.parameters(), *net.buffers()] for net in (self.average.module, self.bare)]
        self._averaged = [[value for value in of if value.is_floating_point()] for of in both]
        # How many batches a batch norm has seen.
        self._counted = [[value for value in of if not value.is_floating_point()] for of in both]
        self.augmentation = Augmentation(config.augment, seed=config.seed)
        self._recording: Gradients | None = None
        self.step = 0

    def untrained(self) -> LandmarkNetwork:
        """The network as it is before the first step."""
        torch.manual_seed(self.config.seed)
        network = build(self.network).to(memory_format=torch.channels_last)
        if self.start is not None:
            take_over(network, self.start)
        if self.config.freeze_detector:
            network.freeze_detector()
        return network.to(self.accelerator.device)

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return learning_rate(self.step, self.plan.batches.steps, self.config)

    def learn(self, parts: Sequence[FaceBatch]) -> Float[Tensor, "parts"]:
        """One step of the optimiser on the parts of a batch that are this process's.

        Their gradients are averaged, those of other processes too.

        Returns:
            Their losses, left on the device.
        """
        config, plan, losses = self.config, self.plan, []
        draw = self.step * plan.parts + plan.first
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.wrapped.train()
        add_gradients = self._gradients_added(parts[0])
        for number, part in enumerate(parts):
            # Processes exchange gradients once a step, with the last part.
            last = number == plan.each - 1
            with nullcontext() if last else self.accelerator.no_sync(self.wrapped):
                images = self.varied(part.images, draw + number)
                losses.append(add_gradients(images, part.landmarks, part.hidden))
        if config.clip:
            self.accelerator.clip_grad_norm_(self.wrapped.parameters(), config.clip)
        self.optimizer.step()
        self._update_average()
        self.step += 1
        return torch.stack(losses)

    def _gradients_added(self, like: FaceBatch) -> Gradients:
        """What adds the gradients of a part to those of its step, of which there are none yet."""
        if not self._records:
            self.optimizer.zero_grad(set_to_none=True)
            return self._add_gradients
        if self._recording is None:
            self._recording = self._recorded(like)
        # Set to none, they would come to lie elsewhere, and a recording knows one place.
        self.optimizer.zero_grad(set_to_none=False)
        return self._recording

    def _recorded(self, like: FaceBatch) -> Gradients:
        """`_add_gradients` as a recording. A GPU that gave one up must be asked anew, by another process."""
        inputs = self.varied(like.images, 0), like.landmarks, like.hidden
        try:
            return Recording(self._add_gradients, inputs, changed=list(self.bare.buffers()))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise RuntimeError(
                f"a step of this {self.bare.config.kind} network could not be recorded on the GPU: "
                f"{str(error).splitlines()[0]}. Train it with --set cuda_graph=false"
            ) from error

    @property
    def _records(self) -> bool:
        """Whether gradients come from a recording: those of one GPU alone, which are not scaled."""
        work = self.accelerator
        alone = work.device.type == "cuda" and work.num_processes == 1 and work.scaler is None
        return self.config.cuda_graph and alone

    def _add_gradients(
        self, images: Pictures, landmarks: Tensor, hidden: Tensor
    ) -> Float[Tensor, ""]:
        output = self.wrapped(images)
        loss = weighted_loss(self.bare, output, landmarks, hidden, self.config.hidden_weight)
        self.accelerator.backward(loss / self.plan.each)
        return loss.detach()

    def varied(self, images: Pictures, draw: int) -> Pictures:
        """What a step sees of training pictures: their pixels changed. Those of clips are left as they are.

        Args:
            images: (B, 3, F, F), or clips (B, T, 3, F, F).
            draw: number of the part of a batch, counted through the run; the changes follow from it.
        """
        if images.ndim == 5:
            return images
        return self.augmentation(images, draw).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def _update_average(self) -> None:
        """What `AveragedModel.update_parameters` does, which asks a GPU three times a step how often it
        was called, and waits for the answer.
        """
        average = get_ema_multi_avg_fn(ema_decay(self.step, self.config) if self.step else 0.0)
        average(*self._averaged, None)
        for value, other in zip(*self._counted, strict=True):
            value.copy_(other)
        self.average.n_averaged += 1

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, but for what follows from seed and step."""
        scaler = self.accelerator.scaler  # of fp16's gradients
        return {
            "detector": self.bare.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": scaler.state_dict() if scaler else {},
            "random": torch.get_rng_state(),
            "step": self.step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a `state`."""
        self.bare.load_state_dict(state["detector"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        self.step = state["step"]


def weighted_loss(
    network: LandmarkNetwork,
    output: Any,
    landmarks: Float[Tensor, "*batch landmarks 2"],
    hidden: Bool[Tensor, "*batch landmarks"],
    hidden_weight: float,
) -> Float[Tensor, ""]:
    """A network's loss, in which landmarks that are hidden count `hidden_weight` times.

    The loss is a mean over annotated landmarks, and this is the weighted one: it is put together from
    the mean of all and that of the hidden ones.
    """
    loss = network.loss(output, landmarks)
    if hidden_weight == 1:
        return loss
    annotated = landmarks.isfinite().all(dim=-1)
    hidden = hidden & annotated
    # Where none is, the loss of the hidden ones is 0, and so is what it counts: no GPU is asked.
    more = (hidden_weight - 1) * hidden.sum() / annotated.sum().clamp(min=1)
    of_hidden = network.loss(output, landmarks.where(hidden[..., None], torch.nan))
    return (loss + more * of_hidden) / (1 + more)
