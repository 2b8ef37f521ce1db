"""Gradients that a GPU plays back from a recording are those that it is told one by one.

On a processor a stand-in plays back; how a GPU does is tested where there is one.
"""

import pytest
import torch
from smallruns import QUICK, SMALL, run_of
from torch.utils._python_dispatch import TorchDispatchMode

from onedheat.models import KINDS, ClipNetwork, LandmarkNetwork, TrackerConfig, build
from onedheat.models.compared import recurrent2d, systems
from onedheat.presets import Preset
from onedheat.recording import WARM_UP, Recording
from onedheat.training import Run, learner

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

NETWORKS = {system.config.kind: system.config for system in systems(SMALL).values()} | {
    "detector": SMALL,
    "tracker": TrackerConfig(**SMALL.as_dict() | {"distance": 1.0}),
    "recurrent2d": recurrent2d(SMALL, 0.25),
}


class Player:
    """A `Recording` that calls again what it should have recorded."""

    made: list["Player"]

    def __init__(self, call, inputs, changed=()):
        self.call, self.inputs = call, [value.clone() for value in inputs]
        before = [value.clone() for value in changed]
        for _ in range(WARM_UP):
            call(*self.inputs)
        self.places = [value.grad.data_ptr() for value in self.weights()]
        for value, was in zip(changed, before, strict=True):
            value.copy_(was)
        self.made.append(self)

    def weights(self):
        return [weight for weight in self.call.__self__.bare.parameters() if weight.requires_grad]

    def __call__(self, *inputs):
        assert [value.grad.data_ptr() for value in self.weights()] == self.places
        for mine, given in zip(self.inputs, inputs, strict=True):
            assert mine.shape == given.shape and mine.stride() == given.stride()
            mine.copy_(given)
        return self.call(*self.inputs)


@pytest.fixture
def player(monkeypatch):
    monkeypatch.setattr(Player, "made", [], raising=False)
    monkeypatch.setattr(learner, "Recording", Player)
    monkeypatch.setattr(learner.Learner, "_records", property(lambda self: self.config.cuda_graph))
    return Player


def same(one: Run, other: Run, rtol: float = 0.0) -> bool:
    pairs = zip(one.average.state_dict().values(), other.average.state_dict().values(), strict=True)
    return all(torch.allclose(a.float(), b.float(), rtol=rtol, atol=rtol) for a, b in pairs)


@pytest.mark.parametrize("changes", [{}, {"accumulate": 2, "clip": 1.0}, {"precision": "bf16"}])
def test_a_run_by_recording_ends_where_one_without_does(faces, tmp_path, player, changes):
    plain = run_of(faces, tmp_path / "plain", cuda_graph=False, **changes)
    plain.train()
    assert not player.made
    recorded = run_of(faces, tmp_path / "recorded", **changes)
    recorded.train()
    assert len(player.made) == 1
    assert same(plain, recorded)
    rows = [run.history for run in (plain, recorded)]
    assert [row.loss for row in rows[0]] == [row.loss for row in rows[1]]


def test_a_run_begun_by_recording_is_resumed_without(faces, tmp_path, player):
    whole = run_of(faces, tmp_path / "whole")
    whole.train()
    broken = run_of(faces, tmp_path / "run")
    for _ in range(2):
        broken.learner.learn([next(iter(broken._pictures(broken.step)))])
    broken.save()
    resumed = run_of(faces, tmp_path / "run", resume=True, cuda_graph=False)
    assert resumed.step == 2
    resumed.train()
    assert same(whole, resumed)


def test_what_cannot_be_recorded_is_said_with_what_to_do(faces, tmp_path, player, monkeypatch):
    def failing(*_, **__):
        raise RuntimeError(
            "CUDA error: operation not permitted when stream is capturing\nCompile with"
        )

    run = run_of(faces, tmp_path / "run")
    part = next(iter(run._pictures(0)))
    monkeypatch.setattr(learner, "Recording", failing)
    with pytest.raises(
        RuntimeError,
        match="this detector network .* is capturing. Train it with --set cuda_graph=false$",
    ):
        run.learner.learn([part])

    def too_large(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8.50 GiB.")

    monkeypatch.setattr(learner, "Recording", too_large)
    with pytest.raises(torch.OutOfMemoryError, match="8.50 GiB"):
        run.learner.learn([part])


def test_a_processor_records_nothing(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(learner, "Recording", lambda *_, **__: pytest.fail("recorded"))
    run = run_of(faces, tmp_path / "run", precision="fp32")
    if run.accelerator.device.type == "cpu":
        run.learner.learn([next(iter(run._pictures(0)))])


class Asked(TorchDispatchMode):
    """Notes operations for which a GPU would have to be waited for, or whose shape it decides."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique", "item")

    def __init__(self):
        super().__init__()
        self.noted, self.seen = [], 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        by_mask = name.startswith("index") and any(
            part.dtype is torch.bool for part in args[1] if isinstance(part, torch.Tensor)
        )
        self.seen += 1
        if name in self.WAITS or by_mask:
            self.noted.append(name)
        return function(*args, **kwargs or {})


def step_of(kind: str, device: str = "cpu"):
    """A network in training, and a call that adds its gradients for some pictures."""
    torch.manual_seed(0)
    config = NETWORKS[kind]
    network = build(config).to(device).train()
    shape = (2, 3) if isinstance(network, ClipNetwork) else (4,)
    images = torch.rand(*shape, 3, config.size, config.size, device=device)
    landmarks = torch.rand(*shape, config.landmarks, 2, device=device) * config.size
    landmarks[0, ..., 0, :] = torch.nan
    hidden = torch.rand(*shape, config.landmarks, device=device) < 0.3

    def add(images, landmarks, hidden):
        loss = learner.weighted_loss(network, network(images), landmarks, hidden, 3.0)
        loss.backward()
        return loss.detach()

    return network, add, (images, landmarks, hidden)


def test_every_kind_of_network_is_looked_at():
    assert set(NETWORKS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_network_asks_for_a_number_while_it_learns(kind, monkeypatch):
    network, add, inputs = step_of(kind)
    # On a GPU a training step does not look at the range of its pictures.
    monkeypatch.setattr(LandmarkNetwork, "check", lambda self, images: None)
    with Asked() as asked:
        add(*inputs)
    assert asked.seen > 100 and asked.noted == []


def test_asking_is_noticed():
    values = torch.rand(4)
    with Asked() as asked:
        values.sum().item()
        values[values > 0.5]
    assert asked.noted == ["_local_scalar_dense", "index"]


# With a GPU -----------------------------------------------------------------------------------------


@needs_gpu
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_plays_back_the_gradients_of_every_kind_of_network(kind):
    network, add, inputs = step_of(kind, "cuda")
    statistics = [value.clone() for value in network.buffers()]
    recording = Recording(add, inputs, changed=list(network.buffers()))
    for value, was in zip(network.buffers(), statistics, strict=True):
        assert value.equal(was)
    others = inputs[0].flip(0), inputs[1].flip(0), inputs[2].flip(0)
    weights = [weight for weight in network.parameters() if weight.grad is not None]

    def gradients(call, *given):
        for weight in weights:
            weight.grad.zero_()
        loss = call(*given).item()
        return loss, torch.cat([weight.grad.flatten() for weight in weights])

    for given in (inputs, others):
        loss, found = gradients(recording, *given)
        expected_loss, expected = gradients(add, *given)
        assert loss == pytest.approx(expected_loss, rel=1e-3)
        assert (found - expected).norm() <= 0.01 * expected.norm()


@needs_gpu
def test_a_run_on_a_gpu_learns_the_same_from_a_recording(faces, tmp_path):
    plain = run_of(faces, tmp_path / "plain", cuda_graph=False, accumulate=2)
    plain.train()
    recorded = run_of(faces, tmp_path / "recorded", accumulate=2)
    recorded.train()
    assert plain.learner._recording is None and recorded.learner._recording is not None
    losses = [[row.loss for row in run.history] for run in (plain, recorded)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


@needs_gpu
def test_a_recording_refuses_other_shapes():
    recording = Recording(lambda values: values * 2, [torch.ones(3, device="cuda")])
    assert recording(torch.full((3,), 2.0, device="cuda")).tolist() == [4.0] * 3
    with pytest.raises(ValueError, match=r"recorded with tensors of \(3,\), not \(4,\)"):
        recording(torch.ones(4, device="cuda"))


@needs_gpu
def test_a_gpu_may_be_asked_not_to_record_and_fp16_is_not(faces, tmp_path):
    run = Run(Preset(SMALL, QUICK, ""), faces, tmp_path / "run", progress=False, samples=0)
    assert run.learner._records
    scaled = run_of(faces, tmp_path / "scaled", precision="fp16")
    assert not scaled.learner._records
