"""Peak memory of a GPU, with a stand-in that keeps count of what it was asked."""

from types import SimpleNamespace

import pytest
import torch

from onedheat.bench import device_memory
from onedheat.bench.device_memory import CAP, training_peak
from onedheat.models import DetectorConfig, Tracker, TrackerConfig

SMALL = DetectorConfig(size=64, depth=1, width=16, channels=16, compressed=4)
GIB = 2**30


class Counter:
    """What `torch.cuda` would be asked; `peak` bytes were taken, of `total`. GPU 3 is the current one."""

    def __init__(self, total=80 * GIB, peak=9 * GIB):
        self.total, self.peak, self.fractions, self.calls = total, peak, [], []
        self.limited = set()

    def current_device(self):
        return 3

    def get_device_properties(self, device):
        return SimpleNamespace(total_memory=self.total)

    def set_per_process_memory_fraction(self, fraction, device):
        number = device if isinstance(device, int) else torch.device(device).index
        if number is None:
            raise ValueError(
                f"Expected a torch.device with a specified index or an integer, but got:{device}"
            )
        self.limited.add(number)
        self.fractions.append(fraction)

    def max_memory_allocated(self, device):
        self.calls.append("peak")
        return self.peak

    def __getattr__(self, name):
        return lambda *_: self.calls.append(name)


def peak(cuda, **options):
    return training_peak(SMALL, device="cpu", batch=2, cuda=cuda, **options)


def test_the_peak_of_two_steps_is_given_under_the_papers_cap():
    cuda = Counter()
    assert peak(cuda) == 9 * GIB
    assert cuda.fractions == [32 / 80, 1.0]
    assert cuda.calls == ["empty_cache", "reset_peak_memory_stats", "synchronize", "peak",
                          "empty_cache", "reset_peak_memory_stats"]  # fmt: skip


def test_a_gpu_with_less_keeps_its_own_limit():
    cuda = Counter(total=16 * GIB)
    peak(cuda)
    assert cuda.fractions == [1.0, 1.0]
    assert peak(cuda, cap=4 * GIB) and cuda.fractions[2:] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("device", "number"), [("cuda", 3), ("cuda:1", 1), (torch.device("cuda"), 3)]
)
def test_the_cap_is_set_on_the_gpu_that_trains(monkeypatch, device, number):
    trained = []
    monkeypatch.setattr(
        device_memory, "_train_two_steps", lambda config, device, batch: trained.append(device)
    )
    cuda = Counter()
    assert training_peak(SMALL, device=device, cuda=cuda) == 9 * GIB
    assert cuda.limited == {number} and trained == [device]


def test_out_of_memory_is_a_result_and_the_next_column_starts_anew(monkeypatch):
    def too_large(config, device, batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8.50 GiB.")

    cuda = Counter()
    with monkeypatch.context() as patch:
        patch.setattr(device_memory, "_train_two_steps", too_large)
        assert peak(cuda) == "OOM"
    assert cuda.fractions[-1] == 1.0 and cuda.calls[-1] == "reset_peak_memory_stats"
    assert peak(cuda) == 9 * GIB


def test_another_fault_is_no_result(monkeypatch):
    def wrong(config, device, batch):
        raise RuntimeError("cuDNN error")

    monkeypatch.setattr(device_memory, "_train_two_steps", wrong)
    cuda = Counter()
    with pytest.raises(RuntimeError, match="cuDNN"):
        peak(cuda)
    assert cuda.fractions[-1] == 1.0


def test_a_tracker_is_given_its_pictures_as_one_clip(monkeypatch):
    shapes = []
    forward = Tracker.forward
    monkeypatch.setattr(
        Tracker,
        "forward",
        lambda self, images: shapes.append(images.shape) or forward(self, images),
    )
    tracker = TrackerConfig(**SMALL.as_dict())
    assert training_peak(tracker, device="cpu", batch=3, cuda=Counter()) == 9 * GIB
    assert shapes == [(1, 3, 3, 64, 64)] * 2


def test_the_two_steps_train(monkeypatch):
    made = []
    monkeypatch.setattr(
        device_memory, "build", lambda config: made.append(build(config)) or made[0]
    )
    from onedheat.models import build

    torch.manual_seed(0)
    before = {name: value.clone() for name, value in build(SMALL).named_parameters()}
    torch.manual_seed(0)
    peak(Counter())
    changed = [name for name, value in made[0].named_parameters() if not value.equal(before[name])]
    assert len(changed) == len(before) and CAP == 32 * GIB
