"""Batches of training pictures: what varies, what must not, and that points move with their pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from faces300w import make_300w

from onedheat.data.augment import AugmentConfig
from onedheat.data.crops import FaceBatches, TrainingPictures
from onedheat.data.samples import Photo
from onedheat.data.w300 import read_300w
from onedheat.errors import DataError
from onedheat.geometry import Crop, tight_box, warp
from onedheat.landmarks import IBUG68

STILL = AugmentConfig(box_scale_spread=0.0, shift=0.0, rotation_share=0.0, mirror_share=0.0)
PLAN = [[(0, 3), (0, 7), (0, 0), (0, 11)], [(1, 3), (1, 1), (1, 2), (1, 5)]]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_300w(make_300w(tmp_path_factory.mktemp("300w"), faces=12))


def with_landmarks(faces, index, landmarks):
    """The set with other landmarks for one face."""
    samples = list(faces.samples)
    samples[index] = replace(samples[index], landmarks=landmarks)
    return replace(faces, samples=tuple(samples))


def test_without_variation_a_picture_is_the_crop_of_evaluation(faces):
    picture = TrainingPictures(faces, 64, STILL)[0, 3]
    sample = faces.samples[3]
    crop = Crop.from_box(tight_box(sample.landmarks, 1.25), 64)
    assert np.abs(picture.landmarks.numpy() - crop.to_crop(sample.landmarks)).max() < 1e-4
    expected = torch.from_numpy(warp(sample.image(), crop)).permute(2, 0, 1)
    assert (picture.pixels.int() - expected.int()).abs().max() <= 1


def test_a_picture_is_decided_by_seed_pass_and_face(faces):
    def picture(seed, epoch, index):
        return TrainingPictures(faces, 64, AugmentConfig(), seed=seed)[epoch, index]

    first, again = picture(1, 2, 3), picture(1, 2, 3)
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.landmarks, again.landmarks)
    for other in (picture(0, 2, 3), picture(1, 0, 3), picture(1, 2, 4)):
        assert not torch.equal(first.pixels, other.pixels)


def test_keeping_photos_in_memory_changes_nothing(faces):
    kept = TrainingPictures(faces, 64, AugmentConfig())
    none = TrainingPictures(faces, 64, AugmentConfig(), keep=0)
    for at in [(0, 0), (1, 0), (2, 0), (0, 7)]:
        assert torch.equal(kept[at].pixels, none[at].pixels)
    assert sorted(kept.photos.kept) == [0, 7] and not none.photos.kept


def test_no_more_photos_are_kept_than_there_is_room_for(faces):
    pictures = TrainingPictures(faces, 64, AugmentConfig(), keep=100_000)
    for index in range(len(faces)):
        pictures[0, index]
    held = sum(part.pixels.nbytes for part in pictures.photos.kept.values())
    assert 0 < held <= 100_000 and held + pictures.photos.room == 100_000


def test_a_mirrored_face_exchanges_left_and_right(faces):
    plain = TrainingPictures(faces, 64, STILL)[0, 0]
    mirrored = TrainingPictures(faces, 64, replace(STILL, mirror_share=1.0))[0, 0]
    assert torch.equal(plain.pixels.flip(-1), mirrored.pixels)
    back = plain.landmarks[list(IBUG68.mirror)]
    back[:, 0] = 63 - back[:, 0]
    assert torch.allclose(mirrored.landmarks, back, atol=1e-4)
    # The person's right eye stays the one with the person's right eye's name.
    assert mirrored.landmarks[36, 0] < mirrored.landmarks[45, 0]


def test_batches_follow_the_plan_and_are_ready_for_the_network(faces):
    batches = FaceBatches(faces, PLAN, 64, AugmentConfig(), seed=5)
    alone = TrainingPictures(faces, 64, AugmentConfig(), seed=5)
    assert len(batches) == 2
    for batch, ats in zip(batches, PLAN, strict=True):
        assert batch.indices.tolist() == [index for _, index in ats]
        for at, image, landmarks in zip(ats, batch.images, batch.landmarks, strict=True):
            assert torch.equal((image * 255).round().byte(), alone[at].pixels)
            assert torch.equal(landmarks, alone[at].landmarks)


def test_workers_change_nothing(faces):
    here = list(FaceBatches(faces, PLAN, 64, AugmentConfig(), seed=5))
    there = list(FaceBatches(faces, PLAN, 64, AugmentConfig(), seed=5, workers=2))
    for one, other in zip(here, there, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_photos_cut_on_the_device_are_those_that_opencv_cuts(faces):
    """The way of a GPU, walked here: the same crops and landmarks, pictures equal to a grey level."""
    here = FaceBatches(faces, PLAN, 64, AugmentConfig(), seed=5)
    there = FaceBatches(faces, PLAN, 64, AugmentConfig(), seed=5)
    there.cut_on_device = True
    for one, other in zip(here, there, strict=True):
        assert (one.images - other.images).abs().max() < 1.01 / 255
        assert torch.equal(one.landmarks, other.landmarks)
        assert torch.equal(one.indices, other.indices)
    assert there.pictures.photos.kept


def test_a_landmark_without_annotation_stays_so_and_moves_no_box(faces):
    gaps = faces.samples[3].landmarks.copy()
    gaps[30] = np.nan  # the tip of the nose, which touches no box
    whole = TrainingPictures(faces, 64, AugmentConfig())[0, 3]
    picture = TrainingPictures(with_landmarks(faces, 3, gaps), 64, AugmentConfig())[0, 3]
    assert torch.equal(picture.pixels, whole.pixels)
    assert picture.landmarks.isnan().all(dim=1).nonzero().tolist() == [[30]]
    known = torch.arange(68) != 30
    assert torch.equal(picture.landmarks[known], whole.landmarks[known])


def test_a_face_without_any_annotation_is_named(faces):
    nothing = with_landmarks(faces, 3, np.full((68, 2), np.nan))
    source = str(faces.samples[3].source)
    with pytest.raises(DataError, match="none of the 68 landmarks is annotated") as caught:
        TrainingPictures(nothing, 64, AugmentConfig())[0, 3]
    assert str(caught.value).startswith(source)


# Photos that cannot be read -----------------------------------------------------------------------


def without(faces, *indices):
    """The set with photos that do not exist for some of its faces."""
    samples = list(faces.samples)
    for index in indices:
        gone = Photo(samples[index].source.path.with_name(f"gone{index}.png"))
        samples[index] = replace(samples[index], source=gone)
    return replace(faces, samples=tuple(samples))


@pytest.mark.parametrize("workers", [0, 1])
def test_the_next_face_takes_the_place_of_one_that_cannot_be_read(faces, workers, caplog):
    broken = without(faces, 3)
    whole, mended = (
        list(FaceBatches(which, PLAN, 32, AugmentConfig(), workers=workers))
        for which in (faces, broken)
    )
    assert [batch.indices.tolist() for batch in mended] == [[4, 7, 0, 11], [4, 1, 2, 5]]
    for before, after in zip(whole, mended, strict=True):
        assert torch.equal(before.images[1:], after.images[1:])
        assert not torch.equal(before.images[0], after.images[0])
    # Said once, by name, though it was asked for twice.
    assert caplog.text.count("gone3.png does not exist") == 1
    again = FaceBatches(broken, PLAN[1:], 32, AugmentConfig(), workers=workers)
    assert torch.equal(next(iter(again)).images, mended[1].images)


def test_faces_cut_together_replace_one_that_cannot_be_read_too(faces):
    ats = [(0, 3), (0, 7)]
    together = TrainingPictures(without(faces, 3), 32, AugmentConfig()).batch(ats)
    alone = TrainingPictures(without(faces, 3), 32, AugmentConfig())[0, 3]
    assert together.index.tolist() == [4, 7] and alone.index == 4
    assert (together.pixels[0].int() - alone.pixels.int()).abs().max() <= 1


def test_more_than_a_few_that_cannot_be_read_are_an_error(faces):
    broken = without(faces, 0, 3, 5, 7)
    batches = iter(FaceBatches(broken, PLAN, 32, AugmentConfig()))
    assert next(batches).indices.tolist() == [4, 8, 1, 11]  # three of them
    with pytest.raises(DataError, match="4 of 12 faces cannot be read, the last: .*gone5.png"):
        next(batches)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_that_is_gone_is_an_error(faces, workers):
    nowhere = without(faces, *range(len(faces)))
    batches = FaceBatches(nowhere, PLAN, 32, AugmentConfig(), workers=workers)
    with pytest.raises(
        DataError, match=r"8 faces in a row cannot be read, the last: .*gone10\.png"
    ):
        next(iter(batches))
