"""Clips made of photos: exact landmarks, smooth motion, the same frames however they are asked for."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from onedheat.data.clips import Clip, Frames
from onedheat.data.images import ImageError
from onedheat.data.occluders.passing import PassingConfig
from onedheat.data.samples import FaceSet, Sample
from onedheat.data.stills import StillFrames, StillMotionConfig, clips_from_stills
from onedheat.data.virtual_camera import MotionConfig
from onedheat.data.w300 import read_300w
from onedheat.errors import DataError
from onedheat.landmarks import IBUG68, Scheme

SMALL = StillMotionConfig(width=96, height=96)
BARE = StillMotionConfig(width=128, height=128, occluders=None, footage=None)
BLINK = MotionConfig(exposure=(0.0, 0.0))


class Drawn:
    """A photo that is no file, and how often it was read."""

    def __init__(self, pixels):
        self.pixels, self.reads = pixels, 0

    def read(self):
        self.reads += 1
        return self.pixels

    def __str__(self):
        return "a drawn photo"


def dots_photo(side, radius):
    """White dots on black, three by three, and where their centres are; no centre is a whole pixel."""
    places = np.linspace(-0.62, 0.62, 3) * radius + side / 2
    centers = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    centers = centers + np.random.default_rng(0).uniform(-0.5, 0.5, centers.shape)
    y, x = np.mgrid[:side, :side]
    squared = (x - centers[:, 0, None, None]) ** 2 + (y - centers[:, 1, None, None]) ** 2
    value = np.exp(-squared / (2 * (0.04 * radius) ** 2)).max(axis=0)
    return np.repeat(np.round(255 * value).astype(np.uint8)[..., None], 3, axis=2), centers


def dot_errors(frames, half=9):
    """How far the centroid of each dot lies from its landmark, in pixels, of all frames."""
    errors = []
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    for picture, landmarks in zip(frames, frames.landmarks(), strict=True):
        light = np.pad(picture[..., 0].astype(float), half)
        for landmark in landmarks:
            column, row = np.round(landmark).astype(int)
            part = light[row : row + 2 * half + 1, column : column + 2 * half + 1]
            found = np.array([(part * x).sum(), (part * y).sum()]) / part.sum()
            errors.append(np.linalg.norm(found + (column, row) - landmark))
    return np.array(errors)


@pytest.fixture(scope="module")
def faces():
    """Twelve photos of noise, with 68 landmarks each that lie like a face's."""
    rng, angle = np.random.default_rng(0), np.linspace(0, 2 * np.pi, 68, endpoint=False)
    samples = []
    for number in range(12):
        pixels = np.repeat(rng.integers(0, 256, (24, 20, 3), dtype=np.uint8), 6, 0).repeat(6, 1)
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(15, 30, (68, 1))
        samples.append(Sample(Drawn(pixels), ring + (60, 70), f"person{number // 2}", "drawn"))
    return FaceSet("drawn", "train", IBUG68, tuple(samples))


def one(faces, **changed):
    return replace(faces, samples=(replace(faces.samples[0], **changed),))


# Bending pulls one side of a dot farther than the other, so that its centroid is not quite its centre.
@pytest.mark.parametrize(("bend", "close"), [(0.0, 0.035), (0.05, 0.12)])
@pytest.mark.parametrize(("side", "radius"), [(200, 45.0), (400, 90.0), (1200, 300.0)])
def test_landmarks_are_exact(side, radius, bend, close):
    """Photos that are enlarged, shown as they are, and reduced."""
    pixels, centers = dots_photo(side, radius)
    for seed in range(3):
        config = replace(BARE, motion=BLINK, bend=bend)
        errors = dot_errors(StillFrames(Drawn(pixels), centers, 30, (seed,), config))
        assert len(errors) == 270 and errors.max() < close


def test_a_bent_face_moves_as_a_stiff_one_and_against_itself_besides(faces):
    stiff, bent = (
        clips_from_stills(faces, 30, config=replace(BARE, bend=bend)).clips for bend in (0.0, 0.05)
    )
    for one, other in zip(stiff, bent, strict=True):
        apart = other.landmarks - one.landmarks
        assert 0 < np.abs(apart).max() < 0.25 * np.ptp(one.landmarks[0], axis=0).max()
        assert np.abs(apart - apart.mean(axis=1, keepdims=True)).max() > 1


def test_landmarks_are_those_of_the_middle_of_a_long_exposure():
    """A motion of even speed smears evenly to both sides. What is left is its acceleration a: the mean
    place during an exposure of E frames lies a·E²/24 off the middle, with E = 1 and a in pixels a
    frame²."""
    pixels, centers = dots_photo(400, 90.0)
    for seed in range(6):
        config = replace(BARE, motion=MotionConfig(exposure=(1.0, 1.0)))
        frames = StillFrames(Drawn(pixels), centers, 40, (seed,), config)
        acceleration = np.linalg.norm(np.diff(frames.landmarks(), n=2, axis=0), axis=2).max()
        assert dot_errors(frames).max() < 0.035 + acceleration / 24


def test_fast_motion_smears_what_it_moves():
    pixels, centers = dots_photo(400, 90.0)
    lively = MotionConfig(liveliness=(2.0, 2.0), lasting=(0.1, 0.3), shift=1.0)
    quick, slow = (
        StillFrames(
            Drawn(pixels), centers, 90, (3,), replace(BARE, motion=replace(lively, exposure=e))
        )
        for e in ((1.0, 1.0), (0.0, 0.0))
    )
    moved = np.linalg.norm(np.diff(quick.landmarks(), axis=0), axis=2)

    def brightness_kept(t, dot):
        x, y = np.round(quick.landmarks()[t, dot]).astype(int)
        peaks = [frames[int(t)][y - 2 : y + 3, x - 2 : x + 3].max() for frames in (quick, slow)]
        return peaks[0] / peaks[1]

    fastest, stillest = (np.unravel_index(f(moved), moved.shape) for f in (np.argmax, np.argmin))
    assert moved[fastest] > 4 and brightness_kept(*fastest) < 0.85
    assert moved[stillest] < 0.2 and brightness_kept(*stillest) > 0.98


def test_motion_is_smooth_at_any_frame_rate(faces):
    """Second differences of a twice differentiable path fall as the square of the frame rate."""
    for seed in range(4):
        bends = []
        for fps in (30.0, 120.0, 480.0):
            clips = clips_from_stills(
                faces, int(3 * fps), seed=seed, config=replace(BARE, fps=fps, occluders=None)
            )
            landmarks = np.stack([clip.landmarks for clip in clips.clips])
            bends.append(np.linalg.norm(np.diff(landmarks, n=2, axis=1), axis=3).max())
        assert bends[0] < 4  # pixels a frame², of 128
        assert bends[1] < bends[0] / 8 and bends[2] == pytest.approx(bends[1] / 16, rel=0.1)


def test_faces_stay_in_the_picture(faces):
    motion = MotionConfig(shift=2.0, tilt=40.0, roll=40.0, shake=0.05)
    config = replace(SMALL, width=128, occluders=None, motion=motion)
    for clip in clips_from_stills(faces, 300, config=config).clips:
        assert clip.landmarks.min() >= -0.5
        assert (clip.landmarks <= (127.5, 95.5)).all()


def test_heads_rest_and_move(faces):
    motion = MotionConfig(handheld=0.0, liveliness=(1.0, 1.0))
    steps = []
    for clip in clips_from_stills(faces, 300, config=replace(BARE, motion=motion)).clips:
        centers = clip.landmarks.mean(axis=1)
        assert np.ptp(centers, axis=0).max() > 5
        steps.append(np.linalg.norm(np.diff(centers, axis=0), axis=1))
    quick, usual = np.quantile(steps, 0.98, axis=1), np.median(steps, axis=1)
    assert (quick > 2 * usual).all() and (quick / usual).mean() > 3


def test_faces_fill_what_they_should(faces):
    config = replace(
        BARE, motion=MotionConfig(fill=(0.4, 0.6), zoom=3.0, tilt=0.0, roll=0.0, handheld=0.0)
    )
    shares = []
    for clip in clips_from_stills(faces, 200, config=config).clips:
        low, high = clip.landmarks.min(axis=1), clip.landmarks.max(axis=1)
        far = np.linalg.norm(clip.landmarks - (low + high)[:, None] / 2, axis=2).max(axis=1)
        shares.append(2 * far / 128)
    assert 0.4 - 1e-9 <= np.min(shares) < 0.42 and 0.58 < np.max(shares) <= 0.6 + 1e-9


def test_a_frame_is_the_same_in_a_short_clip_and_in_a_long_one(faces):
    short, long = (clips_from_stills(faces, frames, seed=5, config=SMALL) for frames in (8, 200))
    for a, b in zip(short.clips, long.clips, strict=True):
        assert len(a) == 8 and len(b) == 200
        assert np.array_equal(a.landmarks, b.landmarks[:8])
        assert np.array_equal(a.visible, b.visible[:8])
    assert np.array_equal(short.clips[2].frames[7], long.clips[2].frames[7])


def test_frames_asked_for_in_any_order_are_those_of_the_sequence(faces):
    """Also when other clips were asked for in between, more than are kept ready."""
    first, second = (clips_from_stills(faces, 80, seed=3, config=SMALL) for _ in range(2))
    for number in (0, 11):
        sequence = list(first.clips[number].frames)
        for t in (79, 3, 40, 0):
            for other in second.clips[1:11]:
                other.frames[t % 3]
            assert np.array_equal(second.clips[number].frames[t], sequence[t])


def test_seed_place_and_frame_decide_a_picture(faces):
    def picture(seed, clip, t):
        return clips_from_stills(faces, 10, seed=seed, config=SMALL).clips[clip].frames[t]

    same = replace(faces, samples=(faces.samples[0],) * 2)
    clips = clips_from_stills(same, 10, seed=1, config=SMALL).clips
    assert np.array_equal(picture(1, 0, 4), picture(1, 0, 4))
    assert not np.array_equal(picture(1, 0, 4), picture(2, 0, 4))
    assert not np.array_equal(picture(1, 0, 4), picture(1, 0, 5))
    assert not np.array_equal(clips[0].frames[4], clips[1].frames[4])


def test_landmarks_are_invisible_exactly_where_something_covers_them():
    """Seen on a white and on a black photo: what differs is what shows through. Landmarks stand on a
    fine grid, and only those that are half covered, or within two pixels of others, are left out."""
    grid = np.linspace(20, 180, 40)
    landmarks = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    config = replace(BARE, occluders="test", motion=BLINK, passing=PassingConfig(share=1.0))
    seen = {False: 0, True: 0}
    for seed in range(5):
        white, black = (
            StillFrames(Drawn(np.full((200, 200, 3), v, np.uint8)), landmarks, 60, (seed,), config)
            for v in (255, 0)
        )
        places = white.landmarks()
        uncovered = white.uncovered(places)
        for t in range(0, 60, 4):
            opacity = 1 - (white[t].astype(float) - black[t]).mean(axis=2) / 255
            x, y = np.round(places[t]).astype(int).T
            around = np.pad(opacity > 0.5, 2, mode="edge")
            parts = np.stack([around[y + j, x + i] for i in range(5) for j in range(5)])
            clear = parts.all(axis=0) | ~parts.any(axis=0)
            clear &= np.abs(opacity[y, x] - 0.5) > 0.2
            covered = parts[12]
            assert np.array_equal(uncovered[t][clear], ~covered[clear])
            for state in seen:
                seen[state] += int((uncovered[t][clear] == state).sum())
    assert min(seen.values()) > 2000


def test_landmarks_stay_where_they_are_when_they_are_covered(faces):
    with_things = clips_from_stills(faces, 60, config=SMALL)
    without = clips_from_stills(faces, 60, config=replace(SMALL, occluders=None))
    for a, b in zip(with_things.clips, without.clips, strict=True):
        assert np.array_equal(a.landmarks, b.landmarks)
        assert b.visible.all()
    covered = np.mean([~clip.visible for clip in with_things.clips])
    assert 0.01 < covered < 0.3


def test_training_and_test_clips_differ_in_what_passes(faces):
    config = replace(SMALL, passing=PassingConfig(share=1.0))
    shapes = {}
    for family in ("train", "test"):
        clips = clips_from_stills(faces, 90, config=replace(config, occluders=family)).clips
        passing = [clip.frames.set_scene().passing for clip in clips]
        shapes[family] = {p.at(stretch * 2.4 + 1.2).shape.name for p in passing for stretch in (0, 1)
                          if p.at(stretch * 2.4 + 1.2)}  # fmt: skip
    assert shapes == {"train": {"rectangle", "ellipse", "bar"}, "test": {"hand", "star"}}


def test_clips_keep_group_subset_scheme_and_visibility(faces):
    seen = np.arange(68) % 2 == 0
    given = one(faces, visible=seen)
    clips = clips_from_stills(given, 5, config=replace(SMALL, occluders=None))
    assert (clips.name, clips.split, clips.scheme) == ("drawn", "train-moving", IBUG68)
    (clip,) = clips.clips
    assert isinstance(clip, Clip) and isinstance(clip.frames, Frames)
    assert (clip.group, clip.subset) == ("person0", "drawn")
    assert np.array_equal(clip.visible, np.tile(seen, (5, 1)))
    assert str(clip.sample(3).source) == "a drawn photo, moving, frame 3"
    assert clip.sample(3).image().shape == (96, 96, 3)


def test_landmarks_that_are_not_known_stay_unknown_and_move_nothing(faces):
    landmarks = faces.samples[0].landmarks.copy()
    inner = np.linalg.norm(landmarks - landmarks.mean(axis=0), axis=1).argmin()
    whole = clips_from_stills(faces, 5, config=SMALL).clips[0]
    landmarks[inner] = np.nan
    (clip,) = clips_from_stills(one(faces, landmarks=landmarks), 5, config=SMALL).clips
    others = np.arange(68) != inner
    assert np.isnan(clip.landmarks[:, inner]).all() and not clip.visible[:, inner].any()
    assert np.array_equal(clip.landmarks[:, others], whole.landmarks[:, others])


def test_any_number_of_landmarks_will_do():
    scheme = Scheme("two", ("left", "right"), (1, 0), {"eyes": (0, 1)}, (0, 1))
    pixels, landmarks = np.zeros((100, 100, 3), np.uint8), np.array([[30.0, 50], [70, 50]])
    sample = Sample(Drawn(pixels), landmarks, "g", "s")
    clips = clips_from_stills(FaceSet("own", "all", scheme, (sample,)), 4, config=SMALL)
    assert clips.clips[0].landmarks.shape == (4, 2, 2)


def test_the_photo_goes_on_beyond_its_border():
    """A white photo has no dark edge anywhere; a mirrored detail near the border is not repeated."""
    pixels = np.full((100, 100, 3), 255, np.uint8)
    square = np.array([[5.0, 5], [95, 5], [95, 95], [5, 95]])
    config = replace(BARE, motion=MotionConfig(fill=(0.3, 0.4)))
    frames = StillFrames(Drawn(pixels), square, 40, (0,), config)
    assert min(picture.min() for picture in frames) >= 253
    pixels = pixels.copy()
    pixels[40:60, 1:6] = 0
    frames = StillFrames(Drawn(pixels), square, 40, (0,), replace(config, motion=replace(
        config.motion, tilt=0.0, roll=0.0, shift=0.0, zoom=0.0, shake=0.0)))  # fmt: skip
    row = frames[0][64, :, 0].astype(int)
    left = int(frames.landmarks()[0, 0, 0])
    assert row[left - 3 : left + 2].min() < 120 and row[: left - 8].min() > 150


def test_photos_are_read_once_for_consecutive_frames_and_never_before(faces):
    sample = replace(faces.samples[0], source=Drawn(faces.samples[0].source.pixels))
    clips = clips_from_stills(replace(faces, samples=(sample,)), 20, config=SMALL)
    assert sample.source.reads == 0
    list(clips.clips[0].frames)
    assert sample.source.reads == 1


def test_clips_travel_to_other_processes_without_their_photos(faces):
    clips = clips_from_stills(faces, 6, config=SMALL)
    before = len(pickle.dumps(clips))
    picture = clips.clips[3].frames[2]
    assert len(pickle.dumps(clips)) == before
    assert np.array_equal(pickle.loads(pickle.dumps(clips)).clips[3].frames[2], picture)


def test_a_clip_without_frames_is_refused(faces):
    with pytest.raises(DataError, match="at least 1 frame; got frames=0"):
        clips_from_stills(faces, 0)


@pytest.mark.parametrize(
    ("landmarks", "complaint"),
    [
        (np.full((68, 2), np.nan), "0 of 68 landmarks are known"),
        (np.full((68, 2), 7.0), "must not lie in one place"),
        (np.random.default_rng(0).uniform(50, 55, (68, 2)), "8 are needed. Leave such faces out"),
    ],
)
def test_a_face_that_makes_no_clip_is_named(faces, landmarks, complaint):
    with pytest.raises(DataError, match=f"^a drawn photo makes no clip: .*{complaint}"):
        clips_from_stills(one(faces, landmarks=landmarks), 5)


def test_landmarks_of_another_photo_are_noticed(faces):
    landmarks = faces.samples[0].landmarks + 1000
    (clip,) = clips_from_stills(one(faces, landmarks=landmarks), 5).clips
    with pytest.raises(ImageError, match="120 × 144 pixels has none around its landmarks"):
        clip.frames[0]


def test_a_frame_that_is_not_there_is_refused(faces):
    clip = clips_from_stills(faces, 5, config=SMALL).clips[0]
    for t in (5, -1):
        with pytest.raises(IndexError, match=rf"frames 0 to 4; got {t}"):
            clip.frames[t]


@pytest.mark.parametrize(
    ("kind", "wrong", "complaint"),
    [
        (MotionConfig, {"fill": (0.5, 1.2)}, "at most 0.95"),
        (MotionConfig, {"fill": (0.9, 0.5)}, "the smaller share first"),
        (MotionConfig, {"exposure": (0.5, 1.5)}, "between 0 and 1"),
        (MotionConfig, {"distance": (1.0, 5.0)}, "at least 2 radii"),
        (StillMotionConfig, {"width": 8}, "got 8 × 256"),
        (StillMotionConfig, {"fps": 0.0}, "more than 0 a second"),
        (StillMotionConfig, {"latest_start": -1.0}, "must not be below 0 s"),
        (StillMotionConfig, {"bend": -0.1}, "must not be below 0 radii"),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind, wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        kind(**wrong)


def test_real_photos_make_clips(real_data):
    faces = read_300w(real_data / "300w_originals", "train")
    faces = replace(faces, samples=faces.samples[::6])
    for clip in clips_from_stills(faces, 3, config=SMALL).clips:
        assert [picture.shape for picture in clip.frames] == [(96, 96, 3)] * 3
        assert clip.frames[1].std() > 8


def test_a_clip_that_begins_later_is_the_same_clip_later(faces):
    late = clips_from_stills(faces, 4, config=StillMotionConfig(latest_start=20.0))
    moments = [clip.frames._times() for clip in late.clips]
    assert len({times[0] for times in moments}) == len(late)
    assert all(0 <= times[0] <= 20 for times in moments)
    frames = late.clips[0].frames
    whole = clips_from_stills(faces, 4).clips[0].frames
    at = frames.camera.matrix(frames._times())
    assert np.array_equal(at, whole.camera.matrix(frames._times()))  # one camera
    assert not np.allclose(late.clips[0].landmarks, whole.landmarks())
