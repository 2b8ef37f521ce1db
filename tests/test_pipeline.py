"""A photo becomes faces: exact where the network is, rid of what it does not confirm."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut
from torch import nn

import onedheat
from onedheat.checkpoints import CheckpointError, save_detector, shipped
from onedheat.data.images import ImageError
from onedheat.geometry import box_overlap, tight_box
from onedheat.heatmaps import Heatmaps
from onedheat.models import Detector, DetectorConfig, build
from onedheat.models.compared import RegressionConfig
from onedheat.pipeline import Face, Found, Landmarker, load

SMALL = DetectorConfig(landmarks=3, size=64, upsample=4, width=16, channels=16)


class DotReader(Detector):
    """A detector of red, green and blue dots: each vector is its colour's brightest along the other
    axis, so that what it should find is known exactly."""

    def __init__(self):
        super().__init__(SMALL)
        self.looks = []

    def forward(self, images):
        self.looks.append(len(images))
        return Heatmaps(x=images.amax(dim=2), y=images.amax(dim=3))


class Dreamer(Detector):
    """A detector that is sure of three points in the upper left of whatever it is shown."""

    def __init__(self):
        super().__init__(SMALL)

    def forward(self, images):
        bins = torch.arange(64.0)
        at = torch.tensor([4.0, 20.0, 12.0])[:, None]
        vectors = torch.exp(-((bins - at) ** 2) / 8).expand(len(images), 3, 64)
        return Heatmaps(x=vectors, y=vectors)


def photo_of(*faces, height=240, width=320):
    """A black photo with the three coloured dots of each face (3, 2)."""
    y, x = np.mgrid[:height, :width]
    photo = np.zeros((height, width, 3))
    for face in faces:
        sigma = 0.06 * np.ptp(face, axis=0).max()
        for color, (at_x, at_y) in enumerate(face):
            dot = 255 * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * sigma**2))
            photo[..., color] = np.maximum(photo[..., color], dot)
    return photo.round().astype(np.uint8)


ANNE = np.array([[60.3, 50.8], [110.4, 55.1], [84.7, 98.2]])
BORIS = np.array([[200.6, 120.2], [261.9, 118.7], [230.3, 171.5]])


def off(face, dx=0.0, dy=0.0, scale=1.0):
    """A finder's idea of a face's box: moved by shares of the side, and scaled."""
    box = tight_box(face, 1.25 * scale)
    side = (box[2] - box[0]) / scale
    return box + side * np.array([dx, dy, dx, dy])


def finding(*boxes):
    """A finder that always gives these boxes."""
    boxes = np.array(boxes, dtype=float).reshape(-1, 4)
    return lambda image: (boxes, np.linspace(1, 0.5, len(boxes)))


def landmarker(*boxes, detector=None, **options) -> Landmarker:
    return Landmarker(detector or DotReader(), finder=finding(*boxes), **options)


# Without boxes ------------------------------------------------------------------------------------


def test_landmarks_are_exact_though_the_finders_box_is_not():
    found = landmarker(off(ANNE, 0.12, -0.1, 1.3), off(BORIS, -0.1, 0.1, 1.2))(
        photo_of(ANNE, BORIS)
    )
    assert len(found) == 2
    for face, truth in zip(
        sorted(found, key=lambda f: f.landmarks[0, 0]), (ANNE, BORIS), strict=True
    ):
        assert np.abs(face.landmarks - truth).max() < 0.1
        assert np.array_equal(face.box, tight_box(face.landmarks, 1.25))
        assert face.sigma.shape == (3, 2) and (face.sigma >= 0).all()
        assert 0.9 < face.score <= 1


def test_all_faces_share_one_pass_and_each_is_looked_at_twice():
    detector = DotReader()
    landmarker(off(ANNE, 0.1), off(BORIS), detector=detector)(photo_of(ANNE, BORIS))
    assert detector.looks == [2, 2]


def test_a_box_without_a_face_is_dropped_by_its_score():
    photo = np.maximum(photo_of(ANNE), photo_of(BORIS) // 8)  # Boris is but a shadow
    (found,) = landmarker(off(BORIS), off(ANNE))(photo)
    assert np.abs(found.landmarks - ANNE).max() < 0.1
    sure, faint = landmarker(off(BORIS), off(ANNE), min_peak=0.05)(photo)
    assert np.abs(faint.landmarks - BORIS).max() < 1 and faint.score < 0.2 < sure.score


def test_a_search_says_why_it_found_no_face():
    photo = photo_of(BORIS) // 8
    nobody, shadow = landmarker()(photo), landmarker(off(BORIS)).find(photo)
    assert nobody == [] and landmarker().find(photo).why_none() == "the face finder sees none"
    assert shadow.faces == [] and shadow.proposed == 1 and 0.05 < shadow.highest < shadow.asked
    assert shadow.why_none() == (
        f"the face finder proposes a box, and the landmarks there peak at {shadow.highest:.2f}, below "
        f"min_peak {shadow.asked:.2f}"
    )
    dream = landmarker(off(ANNE), detector=Dreamer(), min_peak=0.0).find(photo_of(ANNE))
    assert dream.why_none().endswith("and a second look finds the landmarks elsewhere")


def test_a_reason_never_contradicts_itself():
    assert "peak at 0.39, below min_peak 0.40" in Found([], 1, 0.4, 0.3996).why_none()
    assert Found(landmarker(off(ANNE))(photo_of(ANNE)), 2, 0.4, 0.9).why_none() == ""


def test_a_search_takes_what_a_call_takes(tmp_path):
    photo = photo_of(ANNE)
    Image.fromarray(photo).save(tmp_path / "anne.png")
    rgba = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    for given in (photo, rgba, tmp_path / "anne.png"):
        (face,) = landmarker(off(ANNE)).find(given).faces
        assert np.abs(face.landmarks - ANNE).max() < 0.1


@pytest.mark.parametrize("peak", [-0.1, 1.1, float("nan")])
def test_a_peak_that_cannot_be_is_refused(peak):
    with pytest.raises(ValueError, match="min_peak must be from 0 to 1, got"):
        landmarker(min_peak=peak)


def test_a_finder_says_itself_how_sure_the_landmarks_must_be():
    find = landmarker(off(BORIS), off(ANNE))
    photo = np.maximum(photo_of(ANNE), photo_of(BORIS) // 8)
    find.finder.min_peak = 0.05
    assert len(find(photo)) == 2
    find.finder.min_peak = 0.99
    assert find(photo) == []
    assert len(landmarker(off(BORIS), off(ANNE), min_peak=0.05)(photo)) == 2


def test_a_face_that_the_second_look_does_not_confirm_is_dropped():
    assert landmarker(off(ANNE), detector=Dreamer(), min_peak=0.0)(photo_of(ANNE)) == []


def test_boxes_that_arrive_at_one_face_count_once():
    found = landmarker(off(ANNE, 0.1), off(ANNE, -0.1, 0.05, 1.1), off(BORIS))(
        photo_of(ANNE, BORIS)
    )
    assert len(found) == 2
    assert found[0].score >= found[1].score


def test_a_face_within_the_face_is_its_nose_or_mouth():
    mouth = ANNE.mean(axis=0) + 0.25 * (ANNE - ANNE.mean(axis=0))
    photo = np.maximum(photo_of(ANNE), (0.8 * photo_of(mouth)).astype(np.uint8))
    (found,) = landmarker(off(mouth), off(ANNE))(photo)
    assert np.abs(found.landmarks - ANNE).max() < 0.1


def test_no_box_no_face():
    assert landmarker()(photo_of(ANNE)) == []
    assert landmarker(off(ANNE))(np.zeros((240, 320, 3), np.uint8)) == []


def test_a_face_at_the_edge_is_found_though_its_box_reaches_beyond():
    face = np.array([[4.0, 5.0], [50.0, 4.0], [26.0, 46.0]])
    found = landmarker(off(face))(photo_of(face))
    assert found[0].box.min() < -0.5
    assert np.abs(found[0].landmarks - face).max() < 0.1


# Images -------------------------------------------------------------------------------------------


def test_paths_grey_and_rgba_are_images_too(tmp_path):
    Image.fromarray(photo_of(ANNE)).save(tmp_path / "my photo.png")
    find = landmarker(off(ANNE))
    expected = find(photo_of(ANNE))[0].landmarks
    assert np.array_equal(find(tmp_path / "my photo.png")[0].landmarks, expected)
    assert np.array_equal(find(str(tmp_path / "my photo.png"))[0].landmarks, expected)
    opaque = np.concatenate([photo_of(ANNE), np.full((240, 320, 1), 255, np.uint8)], axis=2)
    assert np.array_equal(find(opaque)[0].landmarks, expected)
    grey = np.zeros((240, 320), np.uint8)
    assert find(grey) == []


def test_what_is_no_image_is_refused(tmp_path):
    with pytest.raises(ImageError, match="does not exist"):
        landmarker()(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageError, match="dtype uint8"):
        landmarker()(np.zeros((4, 4, 3), dtype=np.float32))


def test_an_image_is_not_changed():
    photo = photo_of(ANNE)
    before = photo.copy()
    landmarker(off(ANNE))(photo)
    assert np.array_equal(photo, before)


# With boxes ---------------------------------------------------------------------------------------


def test_given_boxes_are_looked_at_once_in_their_order_and_all_answered():
    detector = DotReader()
    find = Landmarker(detector, finder=lambda image: pytest.fail("the finder was asked"))
    empty = [100, 180, 140, 220]
    found = find(photo_of(ANNE, BORIS), [off(BORIS).tolist(), empty, off(ANNE).tolist()])
    assert detector.looks == [3]
    assert np.abs(found[0].landmarks - BORIS).max() < 0.1
    assert np.abs(found[2].landmarks - ANNE).max() < 0.1
    assert found[1].score < 0.1
    assert np.array_equal(found[0].box, tight_box(found[0].landmarks, 1.25))


def test_landmarks_on_one_spot_leave_the_box_that_was_given():
    class Stuck(Dreamer):
        def forward(self, images):
            vectors = torch.zeros(len(images), 3, 64)
            return Heatmaps(x=vectors, y=vectors)

    (face,) = Landmarker(Stuck())(photo_of(ANNE), [[10, 20, 50, 60]])
    assert face.box.tolist() == [10, 20, 50, 60] and face.score == 0


def test_a_box_that_is_not_square_is_widened_not_stretched():
    x0, y0, x1, y1 = off(ANNE)
    narrow, square = landmarker()(photo_of(ANNE), [[x0 + 5, y0, x1 - 5, y1], [x0, y0, x1, y1]])
    assert np.allclose(narrow.landmarks, square.landmarks, atol=1e-9)


def test_no_boxes_given_are_no_faces():
    assert landmarker(off(ANNE))(photo_of(ANNE), []) == []
    assert landmarker(off(ANNE))(photo_of(ANNE), np.zeros((0, 4))) == []


@pytest.mark.parametrize(
    ("boxes", "says"),
    [
        ([1, 2, 3, 4], r"shape \(faces, 4\), got \(4,\); for one box give \[box\]"),
        ([[1, 2, 3]], r"got \(1, 3\)"),
        ([[1, 2, 3, 4], [1, 2]], "must be numbers"),
        ([["a", 2, 3, 4]], "must be numbers"),
        ([[0, 0, 9, 9], [1, 2, 1, 4]], r"box 1 has no area.*got \[1.0, 2.0, 1.0, 4.0\]"),
        ([[5, 5, 2, 9]], "box 0 has no area"),
        ([[0, 0, np.nan, 9]], "box 0 has edges that are not finite"),
        ([[0, 0, np.inf, 9]], "box 0 has edges that are not finite"),
        ([[320, 0, 350, 30]], "box 0 lies outside the image, which is 320 × 240 pixels"),
        ([[-50, 0, -1, 30]], "box 0 lies outside"),
        ([[0, 0, 9, 9], [-1000, 0, 281, 9]], "box 1 is more than 4 times as wide as the image"),
        ([[-1e12, -1e12, 1e12, 1e12]], "which is 320 × 240 pixels; give one close around a face"),
    ],
)
def test_boxes_that_are_none_are_refused_by_number(boxes, says):
    with pytest.raises(ValueError, match=says):
        landmarker()(photo_of(ANNE), boxes)


# Settings -----------------------------------------------------------------------------------------


def test_a_landmarker_refuses_names_it_does_not_know():
    with pytest.raises(
        ValueError, match="no decoder 'best' for a detector; there are: dark, centroid, argmax"
    ):
        Landmarker(DotReader(), decoder="best")
    with pytest.raises(ValueError, match="no face finder 'haar'; there are: auto, yunet, cascade"):
        Landmarker(DotReader(), finder="haar")


def test_the_decoder_is_the_one_asked_for():
    boxes = [off(ANNE)]
    dark = landmarker(decoder="dark")(photo_of(ANNE), boxes)[0].landmarks
    argmax = landmarker(decoder="argmax")(photo_of(ANNE), boxes)[0].landmarks
    side = boxes[0][2] - boxes[0][0]
    bins = (argmax - boxes[0][:2]) / side * 64 - 0.5
    assert np.allclose(bins, bins.round(), atol=1e-6)
    assert np.abs(dark - ANNE).max() < np.abs(argmax - ANNE).max()


def test_weights_that_give_nan_are_an_error_not_an_empty_photo():
    class Broken(Dreamer):
        def forward(self, images):
            vectors = torch.full((len(images), 3, 64), torch.nan)
            return Heatmaps(x=vectors, y=vectors)

    with pytest.raises(ValueError, match="weights are damaged"):
        landmarker(off(ANNE), detector=Broken())(photo_of(ANNE))


def test_a_network_without_confidence_needs_boxes_and_gives_faces_in_them():
    network = build(RegressionConfig(landmarks=3, size=64, width=16))
    find = Landmarker(network, finder=finding(off(ANNE)))
    with pytest.raises(ValueError, match="a regression network does not say how sure .* boxes="):
        find(photo_of(ANNE))
    (face,) = find(photo_of(ANNE), [off(ANNE)])
    assert np.isfinite(face.landmarks).all() and np.isnan(face.score)


def test_load_gives_the_network_that_was_saved(tmp_path):
    detector = Detector(DetectorConfig(size=64, upsample=4, width=16, channels=16))
    nn.init.normal_(detector.second_x.deconvolution.weight)
    save_detector(detector, tmp_path / "net")
    loaded = load(tmp_path / "net", decoder="argmax", flip=True, finder="cascade", engine="torch")
    boxes = [[160, 60, 290, 190]]
    expected = Landmarker(detector, decoder="argmax", flip=True)(astronaut(), boxes)[0]
    (face,) = loaded(astronaut(), boxes)
    assert isinstance(face, Face) and isinstance(face.score, float)
    assert np.allclose(face.landmarks, expected.landmarks)
    assert not loaded.detector.training
    with pytest.raises(CheckpointError, match="no checkpoint 'nowhere'"):
        load("nowhere")


# The shipped weights on real photographs ----------------------------------------------------------


@pytest.fixture(scope="module")
def tiny68():
    if "tiny68" not in shipped():
        pytest.skip("the weights tiny68 are not shipped yet")
    return onedheat.load("tiny68", finder="cascade", engine="torch")


def test_the_astronauts_landmarks_are_where_a_person_would_put_them(tiny68, capfd):
    (face,) = tiny68(astronaut())
    seen = {
        36: (192.5, 100),
        45: (254, 102),
        30: (225, 127),
        48: (203, 140),
        54: (246, 141),
        8: (222, 176),
    }
    for point, place in seen.items():  # outer eye corners, nose tip, mouth corners, chin
        assert np.linalg.norm(face.landmarks[point] - place) < 5, point
    assert face.score > 0.5
    assert capfd.readouterr() == ("", "")


def test_what_the_cascade_finds_in_a_picture_without_people_is_dropped(tiny68):
    flag = np.asarray(Image.effect_mandelbrot((320, 240), (-2, -1.2, 1, 1.2), 90))
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    assert tiny68(flag) == [] and tiny68(noise) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("finder, least", [("yunet", 31), ("cascade", 24)])
def test_annotated_faces_of_full_photos_are_found(tiny68, real_data, yunet_file, finder, least):
    from onedheat.data.pts import read_pts
    from onedheat.faces import make_finder

    model = yunet_file if finder == "yunet" else None
    find = Landmarker(tiny68.detector, finder=make_finder(finder, model=model))
    labels = sorted((real_data / "300w_originals").rglob("*.pts"))
    found = 0
    for label in labels:
        photo = next(p for s in (".jpg", ".png") if (p := label.with_suffix(s)).exists())
        wanted = tight_box(read_pts(label), 1.25)
        found += any(box_overlap(face.box, wanted) >= 0.4 for face in find(photo))
    assert len(labels) == 32 and found >= least


def test_photos_of_different_sizes_are_looked_at_in_one_batch():
    landmarker = load("tiny68", engine="torch")
    photos = [astronaut()[:300, 100:400], astronaut()]
    boxes = np.array([[60.0, 50, 190, 180], [160, 50, 290, 180]])
    together = landmarker.locate(photos, boxes)
    for i, photo in enumerate(photos):
        alone = landmarker.locate([photo], boxes[i : i + 1])
        assert np.allclose(together.landmarks[i], alone.landmarks[0], atol=1e-3)
