"""Faces keep their numbers through motion, crossings and absence, and lose them where they must."""

import pickle

import numpy as np
import pytest
import torch
from dots import DOTS, SETTINGS, DotReader, Watcher, dot_landmarker, face_at, picture_of
from torch import nn

import onedheat
from onedheat.data.synthetic.clips import synthetic_clips
from onedheat.engines import TorchEngine
from onedheat.geometry import Crop, paper_box, tight_box, warp
from onedheat.heatmaps import Heatmaps
from onedheat.metrics import nrmse
from onedheat.models import Tracker, TrackerConfig, build
from onedheat.models.compared import RegressionConfig
from onedheat.pipeline import Landmarker, to_batch
from onedheat.pipeline.cuts import CutDetector
from onedheat.pipeline.following import NOTHING, Follower, steadied
from onedheat.pipeline.identities import distances, pair_nearest


def follow(scenes, **settings):
    """The faces that a tracker gives for scenes, each a list of faces, the nearest first; the finder."""
    finder = Watcher()
    tracker = dot_landmarker(finder).tracker(**settings)
    found = []
    for faces in scenes:
        finder.faces = faces
        found.append(tracker(picture_of(*faces)))
    return found, finder, tracker


def numbers(found):
    return [[face.identity for face in faces] for faces in found]


# One face -----------------------------------------------------------------------------------------


def test_a_face_that_moves_is_found_in_every_frame_and_searched_for_seldom():
    way = [face_at(60 + 4 * t, 60 + 10 * np.sin(t / 5), 1 + t / 100) for t in range(40)]
    found, finder, tracker = follow([[face] for face in way])
    assert numbers(found) == [[0]] * 40
    for t, ((face,), truth) in enumerate(zip(found, way, strict=True)):
        # At first nobody knows that it moves, and a dot is cut by the edge of the box.
        assert np.abs(face.landmarks - truth).max() < (0.8 if t < 5 else 0.4)
        assert np.array_equal(face.box, tight_box(face.landmarks, 1.25))
        assert face.score > 0.8 and face.sigma.shape == (3, 2)
    assert finder.asked == 3  # frames 0, 15 and 30
    looks = tracker.landmarker.detector.looks
    assert looks == [1, 1] + [1] * 14 + [1, 1, 1] + [1] * 14 + [1, 1, 1] + [1] * 9


def test_two_passes_look_again_in_the_papers_box():
    way = [face_at(80 + 3 * t, 70) for t in range(6)]
    found, _, tracker = follow([[face] for face in way], two_pass=True)
    assert tracker.landmarker.detector.looks == [1, 1] + [1, 1] * 5
    picture, before = picture_of(way[1]), found[0][0].landmarks
    alone = dot_landmarker()
    detected = alone.locate([picture], tight_box(before)[None]).landmarks[0]
    box = paper_box(detected, float(DOTS.normalising_distance(detected)))
    expected = alone.locate([picture], box[None]).landmarks[0]
    assert np.allclose(found[1][0].landmarks, expected, atol=1e-6)
    assert "two passes" in tracker.method
    assert "one pass" in follow([])[2].method


def test_the_side_of_the_box_drawn_anew_follows_slowly_and_its_centre_at_once():
    box = np.array([10.0, 20.0, 110.0, 120.0])
    assert steadied(box, None).tolist() == box.tolist()
    assert steadied(box, 104.0).tolist() == [8.5, 18.5, 111.5, 121.5]
    assert steadied(box, 100.0).tolist() == box.tolist()
    for far in (80.0, 130.0):  # another face, or one that came much nearer
        assert steadied(box, far).tolist() == box.tolist()


def test_a_face_whose_eyes_shake_is_looked_at_in_a_box_that_shakes_less():
    eyes = np.random.default_rng(0).normal(scale=0.6, size=30)
    way = [face_at(100, 70) + [[shake, 0.0], [-shake, 0.0], [0.0, 0.0]] for shake in eyes]
    finder = Watcher()
    tracker = dot_landmarker(finder).tracker(two_pass=True)
    sides, own = [], []
    for face in way:
        finder.faces = [face]
        (found,) = tracker(picture_of(face))
        if known := tracker._known[0].memory.side:
            sides.append(known)
            landmarks = found.landmarks
            drawn = paper_box(landmarks, float(DOTS.normalising_distance(landmarks)))
            own.append(drawn[2] - drawn[0])
    assert len(sides) == 29 and np.std(own) > 1
    assert np.diff(sides).std() < 0.5 * np.diff(own).std()
    assert np.mean(sides) == pytest.approx(np.mean(own), rel=0.02)


def test_what_is_remembered_of_a_face_is_scaled_with_the_frames():
    finder = Watcher()
    finder.faces = [face_at(100, 70)]
    picture = picture_of(*finder.faces)
    tracker = dot_landmarker(finder).tracker(two_pass=True)
    tracker(picture), tracker(picture)
    side = tracker._known[0].memory.side
    tracker._fit_to(np.zeros((2 * picture.shape[0], 2 * picture.shape[1], 3), np.uint8))
    assert tracker._known[0].memory.side == pytest.approx(2 * side)
    assert NOTHING.scaled(2.0) == NOTHING


def test_what_is_kept_of_a_face_does_not_grow():
    scenes = [[face_at(100 + 20 * np.sin(t / 9), 70)] for t in range(300)]
    finder = Watcher()
    tracker, sizes = dot_landmarker(finder).tracker(), {}
    for t, faces in enumerate(scenes):
        finder.faces = faces
        tracker(picture_of(*faces, height=140, width=200))
        sizes[t] = len(pickle.dumps(tracker._known))
    assert sizes[299] == sizes[40] < 4000


def test_a_drawn_head_is_followed_with_its_landmarks():
    clip = synthetic_clips(1, 20, seed=3, size=160, occluders=None).clips[0]
    box = tight_box(clip.landmarks[0], 1.4)[None]
    landmarker = onedheat.load(
        "synthetic68", engine="torch", finder=lambda image: (box, np.ones(1))
    )
    for two_pass in (False, True):
        tracker = landmarker.tracker(two_pass=two_pass)
        found = [tracker(picture) for picture, _ in clip]
        assert numbers(found) == [[0]] * 20
        track = np.stack([faces[0].landmarks for faces in found])
        distance = landmarker.scheme.normalising_distance(clip.landmarks)
        assert nrmse(track, clip.landmarks, distance).max() < 6


# Several ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [3.0, 6.0])
def test_two_faces_that_cross_keep_their_numbers(speed):
    frames = int(200 / speed)
    front = [face_at(60 + speed * t, 78) for t in range(frames)]
    behind = [face_at(260 - speed * t, 72) for t in range(frames)]
    found, _, _ = follow(list(zip(front, behind, strict=True)))
    number_of = {}
    for face in found[0]:
        number_of[face.identity] = "front" if face.landmarks[0, 0] < 150 else "behind"
    assert sorted(number_of) == [0, 1]
    truth = {"front": front, "behind": behind}
    hidden = 0
    for t, faces in enumerate(found):
        assert {face.identity for face in faces} <= {0, 1}
        hidden += len(faces) < 2
        if t > 4 and abs(front[t] - behind[t])[:, 0].max() > 70:  # apart, each in full view
            for face in faces:
                error = np.abs(face.landmarks - truth[number_of[face.identity]][t]).max()
                assert error < 1, (t, face.identity)
    assert 0 < hidden < 80 / speed
    assert len(found[-1]) == 2


def test_a_face_that_comes_in_gets_the_next_number_at_the_next_search():
    first = face_at(70, 70)
    scenes = [[first]] * 5 + [[first, face_at(220, 80)]] * 15
    found, _, _ = follow(scenes)
    assert numbers(found) == [[0]] * 15 + [[0, 1]] * 5


def test_who_leaves_is_not_reported_and_has_the_number_back_only_if_back_soon():
    face = face_at(70, 70)

    def absent_for(frames):
        found, _, _ = follow([[face]] * 4 + [[]] * frames + [[face]] * 8, patience=10)
        assert numbers(found)[:4] == [[0]] * 4
        assert numbers(found)[4 : 4 + frames] == [[]] * frames
        return numbers(found)[-1]

    assert absent_for(6) == [0]
    assert absent_for(14) == [1]


def test_who_was_dropped_leaves_nothing_behind():
    _, _, tracker = follow([[face_at(70, 70)]] * 3 + [[]] * 12, patience=8)
    assert tracker._known == []


def test_a_face_that_leaves_at_the_edge_is_dropped_and_not_dragged_along():
    way = [[face_at(250 + 8 * t, 70)] if t < 12 else [] for t in range(20)]
    found, _, _ = follow(way)
    for faces in found:
        assert all(face.landmarks[:, 0].mean() < 320 for face in faces)
    assert numbers(found)[-6:] == [[]] * 6


def test_what_a_search_never_confirms_is_given_up():
    """The look alone is satisfied with a faint face; the search is not."""
    faint = (0.45 * picture_of(face_at(70, 70)).astype(float)).astype(np.uint8)
    finder = Watcher()
    finder.faces = [face_at(70, 70)]
    tracker = dot_landmarker(finder).tracker(search_every=2)
    assert numbers([tracker(picture_of(face_at(70, 70)))]) == [[0]]
    found = [tracker(faint) for _ in range(10)]
    assert numbers(found[:4]) == [[0]] * 4
    assert numbers(found[-2:]) == [[]] * 2


# Scenes -------------------------------------------------------------------------------------------


def test_after_a_cut_faces_are_new():
    face = face_at(100, 70)
    finder = Watcher()
    finder.faces = [face]
    tracker = dot_landmarker(finder).tracker()
    here, elsewhere = picture_of(face), picture_of(face, room=1)
    found = [tracker(here), tracker(here), tracker(elsewhere), tracker(elsewhere)]
    assert numbers(found) == [[0], [0], [1], [1]]
    assert finder.asked == 2


def test_light_and_motion_are_no_cut():
    rng = np.random.default_rng(0)
    room = rng.integers(0, 200, (12, 16, 3)).astype(np.uint8).repeat(20, 0).repeat(20, 1)
    cut = CutDetector()
    assert not cut(room)
    assert not cut((0.4 * room).astype(np.uint8))
    assert not cut(np.roll(room, 8, axis=1))
    assert cut(rng.integers(0, 200, (12, 16, 3)).astype(np.uint8).repeat(20, 0).repeat(20, 1))


def test_a_cut_through_black_is_a_cut():
    rng = np.random.default_rng(1)
    scenes = [rng.integers(0, 200, (12, 16, 3)).astype(np.uint8).repeat(20, 0) for _ in range(2)]
    black, cut = np.zeros((240, 16, 3), np.uint8), CutDetector()
    assert [cut(frame) for frame in (scenes[0], black, scenes[0])] == [False] * 3
    assert [cut(frame) for frame in (black, scenes[1])] == [False, True]


def test_reset_forgets_faces_and_numbers_go_on():
    face = face_at(100, 70)
    finder = Watcher()
    finder.faces = [face]
    tracker = dot_landmarker(finder).tracker()
    assert numbers([tracker(picture_of(face))]) == [[0]]
    tracker.reset()
    assert numbers([tracker(picture_of(face))] * 2) == [[1], [1]]


def test_a_tracker_knows_which_search_came_nearest_to_a_face_until_it_is_reset():
    finder = Watcher()
    tracker = dot_landmarker(finder).tracker(search_every=1)
    assert tracker.nearest is None
    tracker(picture_of())
    assert tracker.nearest.why_none() == "the face finder sees none"
    finder.faces = [face_at(100, 70)]  # which is not in the picture
    for _ in range(5):
        tracker(picture_of())
    assert tracker.nearest.proposed == 1 and "proposes a box" in tracker.nearest.why_none()
    tracker(picture_of(*finder.faces))
    tracker.reset()
    assert tracker.nearest is None


def test_frames_of_another_size_show_the_same_face_scaled():
    finder = Watcher()
    tracker = dot_landmarker(finder).tracker()
    finder.faces = [face_at(100, 70)]
    picture = picture_of(finder.faces[0])
    small = tracker(picture)
    finder.faces = [2 * (face_at(100, 70) + 0.5) - 0.5]
    large = [tracker(picture.repeat(2, axis=0).repeat(2, axis=1)) for _ in range(3)]
    assert numbers([small, *large]) == [[0]] * 4
    assert np.abs(large[0][0].landmarks - finder.faces[0]).max() < 0.6
    finder.faces = [face_at(100, 70)]
    assert numbers([tracker(picture_of(finder.faces[0], height=200, width=200))]) == [[1]]


# Networks -----------------------------------------------------------------------------------------


class DotTracker(Tracker):
    """A tracker network whose detector reads dots and whose refinement is random."""

    def __init__(self):
        super().__init__(TrackerConfig(scheme=DOTS, decay=0.5, features=4, **SETTINGS))
        self.detector = DotReader()
        for last in (self.fourth_x[-1], self.fourth_y[-1]):
            nn.init.normal_(last.weight, std=0.005)


@pytest.mark.parametrize("run_by", [None, TorchEngine])
def test_frame_by_frame_is_what_the_tracker_gives_for_the_whole_clip(run_by):
    network = DotTracker().eval()
    landmarker = Landmarker(network, finder=Watcher(), engine=run_by and run_by(network))
    way = [face_at(100 + t, 70 + t) for t in range(6)]
    pictures = [picture_of(face) for face in way]
    boxes = [tight_box(face, 1.3) for face in way]
    follower, memories, found = Follower(landmarker), [NOTHING], []
    for picture, box in zip(pictures, boxes, strict=True):
        located, memories = follower(picture, box[None], memories)
        found.append(located.landmarks[0])
    crops = [Crop.from_box(box, 64) for box in boxes]
    clip = to_batch([warp(*pair) for pair in zip(pictures, crops, strict=True)])[None]
    with torch.no_grad():
        output = network(clip)
        alone = network(clip[0])
    expected = network.read(Heatmaps(*(part[0] for part in output))).landmarks.double().numpy()
    for crop, points, truth in zip(crops, found, expected, strict=True):
        assert np.allclose(crop.to_crop(points), truth, atol=1e-3)
    assert (alone.x - output.x[0]).abs().max() > 1e-3  # the frames before did matter


def test_each_face_has_a_memory_of_its_own_and_a_lost_one_begins_anew():
    network = DotTracker().eval()
    finder = Watcher()
    tracker = Landmarker(network, finder=finder).tracker(patience=3)
    faces = [face_at(70, 70), face_at(230, 80)]
    finder.faces = faces
    for _ in range(4):
        found = tracker(picture_of(*faces))
    (staying,) = [face.identity for face in found if face.landmarks[0, 0] < 150]
    first, second = (known.memory.state for known in tracker._known)
    assert first.x.shape == second.x.shape == (1, 4, network.config.positions)
    assert not torch.allclose(first.x, second.x)
    state = first.x.nbytes + first.y.nbytes
    assert state <= 300_000
    finder.faces = faces[:1]
    for _ in range(8):
        tracker(picture_of(faces[0]))
    finder.faces = faces
    for _ in range(16):
        found = tracker(picture_of(*faces))
        if len(found) == 2:
            break
    assert [face.identity for face in found] == [staying, 2]
    assert tracker._known[1].memory == NOTHING


def test_memory_does_not_hold_on_to_a_face_that_fades_away():
    echoing = DotTracker().eval()
    for fourth in (echoing.fourth_x, echoing.fourth_y):
        with torch.no_grad():
            fourth[0].bias.fill_(-1.4)  # V of a dot comes to 2, that of the wall to 1.4
            fourth[-1].weight.zero_().diagonal().fill_(2.0)
    face = face_at(100, 70)
    fading = [share * picture_of(face) for share in np.linspace(1, 0, 24)]
    looks = {}
    for network in (echoing, echoing.detector):
        finder = Watcher()
        finder.faces = [face]
        tracker = Landmarker(network, finder=finder).tracker()
        for _ in range(4):
            tracker(picture_of(face))
        finder.faces = []
        looks[network] = [len(tracker(picture.astype(np.uint8))) for picture in fading]
    assert looks[echoing] == looks[echoing.detector]
    assert looks[echoing][0] == 1 and looks[echoing][-1] == 0


def test_two_passes_of_a_tracker_network_remember_the_second_alone():
    network = DotTracker().eval()
    finder = Watcher()
    finder.faces = [face_at(100, 70)]
    tracker = Landmarker(network, finder=finder).tracker(two_pass=True)
    for _ in range(3):
        tracker(picture_of(*finder.faces))
    network.detector.looks.clear()
    before = tracker._known[0].memory.state
    (face,) = tracker(picture_of(*finder.faces))
    assert network.detector.looks == [1, 1]
    after = tracker._known[0].memory.state
    u = after.x - network.config.decay * before.x
    assert float(u.min()) > -1e-4  # CNN₃ ends in a ReLU: one step of the recurrence, not two
    assert np.abs(face.landmarks - finder.faces[0]).max() < 4


# Refusals -----------------------------------------------------------------------------------------


def test_what_cannot_be_tracked_with_is_refused():
    network = build(RegressionConfig(landmarks=3, size=64, width=16))
    with pytest.raises(ValueError, match="does not say how sure it is"):
        Landmarker(network, finder=Watcher()).tracker()
    with pytest.raises(ValueError, match="search_every must be at least 1"):
        dot_landmarker().tracker(search_every=0)
    with pytest.raises(ValueError, match="without flip"):
        Landmarker(DotTracker(), finder=Watcher(), flip=True).tracker()


def test_no_faces_no_looks():
    found, finder, tracker = follow([[]] * 12)
    assert numbers(found) == [[]] * 12
    assert finder.asked == 3 and tracker.landmarker.detector.looks == []


# Identities ---------------------------------------------------------------------------------------


def test_distance_is_the_mean_over_landmarks_in_sides_of_the_known_face():
    expected, seen = face_at(100, 70)[None], np.stack([face_at(110, 70), face_at(100, 70, 2.0)])
    apart = distances(expected, seen)
    assert apart[0, 0] == pytest.approx(10 / 50)
    assert apart[0, 1] == pytest.approx(np.linalg.norm(face_at(0, 0), axis=1).mean() / 50)


def test_the_nearest_pairs_first_and_none_beyond_reach():
    costs = np.array([[0.1, 0.3], [0.2, 0.9], [0.5, 0.5]])
    assert pair_nearest(costs, np.array([0.4, 0.4, 0.4])) == [(0, 0)]
    assert pair_nearest(costs, np.array([0.4, 1.0, 0.4])) == [(0, 0), (1, 1)]
    assert pair_nearest(costs, np.array([1.0, 0.1, 1.0])) == [(0, 0), (2, 1)]
    assert pair_nearest(np.zeros((0, 3)), np.zeros(0)) == []


def test_tracked_faces_are_faces():
    assert issubclass(onedheat.TrackedFace, onedheat.Face)
