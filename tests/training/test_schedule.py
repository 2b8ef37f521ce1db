"""What follows from seed and step: which faces a step sees, and how fast it learns."""

from dataclasses import replace

import pytest
from smallruns import QUICK

from onedheat.errors import DataError
from onedheat.presets import TrainConfig
from onedheat.training import Batches, MicroBatches, ema_decay, learning_rate


def test_the_learning_rate_rises_and_falls_to_nothing():
    config = TrainConfig(learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(step, 1000, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[500] == pytest.approx(0.5) and rates[-1] < 1e-5


def test_a_constant_rate_stays_where_the_warm_up_took_it():
    config = TrainConfig(learning_rate=1e-4, warmup_steps=2, schedule="constant")
    rates = [learning_rate(step, 1000, config) for step in (0, 1, 500, 999)]
    assert rates == pytest.approx([0.5e-4, 1e-4, 1e-4, 1e-4])


def test_the_average_reaches_back_over_the_last_steps_until_that_is_as_far_as_it_may():
    config = TrainConfig(ema=0.999)
    decays = [ema_decay(step, config) for step in (0, 90, 8980, 8990, 20_000)]
    assert decays == pytest.approx([0.1, 0.91, 8981 / 8990, 0.999, 0.999])
    assert decays[2] < 0.999
    assert ema_decay(0, replace(config, ema_warmup=False)) == 0.999


def test_every_face_comes_once_a_pass_whatever_step_one_starts_from():
    config = TrainConfig(passes=3, batch_size=4)
    batches = list(Batches(12, config, 0))
    for epoch in range(3):
        part = batches[3 * epoch : 3 * epoch + 3]
        assert sorted(face for batch in part for _, face in batch) == list(range(12))
        assert {pass_ for batch in part for pass_, _ in batch} == {epoch}
    assert batches[0] != batches[3]
    assert list(Batches(12, config, 5)) == batches[5:]
    assert Batches(12, config, 5).at(2) == batches[2]


def test_too_few_faces_for_a_batch_are_refused():
    with pytest.raises(DataError, match="3 training faces do not fill one batch of 8"):
        Batches(3, QUICK, 0)
    for parts, faces, named in ((1, 3, 2), (1, 9, 8), (3, 10, 6)):
        config = replace(QUICK, batch_size=12, accumulate=parts)
        with pytest.raises(DataError, match=f"a smaller batch: --set batch_size={named}$"):
            Batches(faces, config, 0)
        Batches(faces, replace(config, batch_size=named), 0)
    with pytest.raises(DataError, match="add faces, or lower accumulate=4$"):
        Batches(3, replace(QUICK, batch_size=8, accumulate=4), 0)


def test_processes_and_parts_share_a_batch_without_a_face_left_out_or_seen_twice():
    batches = Batches(40, replace(QUICK, batch_size=8, accumulate=2), 0)
    shares = [list(MicroBatches(batches, process, 2)) for process in range(2)]
    assert [len(share) for share in shares] == [2 * len(batches)] * 2
    assert len(MicroBatches(batches, 0, 2)) == 2 * len(batches)
    for step, whole in enumerate(batches):
        parts = [part for share in shares for part in share[2 * step : 2 * step + 2]]
        assert [len(part) for part in parts] == [2, 2, 2, 2]
        assert [face for part in parts for face in part] == whole


def test_two_processes_have_the_parts_of_one_that_accumulates():
    two = Batches(40, replace(QUICK, batch_size=8), 0)
    one = MicroBatches(Batches(40, replace(QUICK, batch_size=8, accumulate=2), 0))
    shares = [MicroBatches(two, process, 2) for process in range(2)]
    taken = [part for parts in zip(*shares, strict=True) for part in parts]
    assert taken == list(one)
    assert [share.first for share in shares] == [0, 1] and one.parts == shares[0].parts == 2


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    batches = Batches(40, replace(QUICK, batch_size=8), 0)
    with pytest.raises(DataError, match="8 faces cannot be split evenly among 3 .* multiple of 3"):
        MicroBatches(batches, 0, 3)
