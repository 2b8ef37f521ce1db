"""Both finders put boxes where landmarks are; YuNet's model is found, fetched, checked, or done without."""

import functools
import hashlib
import http.server
import threading

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from onedheat import faces
from onedheat.data.images import ImageError, read_image
from onedheat.data.pts import read_pts
from onedheat.faces import (
    FINDERS,
    Cascade,
    FinderError,
    ModelOutOfReach,
    YuNet,
    centered_in,
    find_faces,
    group_boxes,
    make_finder,
    suppress,
    yunet_model,
)
from onedheat.geometry import box_overlap, box_overlaps, tight_box
from onedheat.place import fit_place

# tight_box(landmarks, 1.25) of the astronaut's face, placed by eye on brows, chin and cheeks.
ASTRONAUT = np.array([169.0, 76.0, 281.0, 188.0])


@pytest.fixture
def no_model(monkeypatch, tmp_path):
    """A machine without the model and without a network."""
    monkeypatch.delenv("ONEDHEAT_YUNET", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(faces, "YUNET_URL", "http://127.0.0.1:9/model.onnx")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def served(no_model, monkeypatch, tmp_path):
    """A web server whose model.onnx can be set; gives (set content, list of requests)."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            asked.append(self.path)

    (tmp_path / "web").mkdir()
    handler = functools.partial(Handler, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setattr(faces, "YUNET_URL", f"http://127.0.0.1:{server.server_port}/model.onnx")
        yield (tmp_path / "web" / "model.onnx").write_bytes, asked
        server.shutdown()
        thread.join()


# Boxes --------------------------------------------------------------------------------------------


def test_overlaps_agree_with_the_overlap_of_two_boxes():
    random = np.random.default_rng(0)
    corner = random.uniform(0, 10, (12, 2))
    boxes = np.concatenate([corner, corner + random.uniform(1, 10, (12, 2))], axis=1)
    expected = [[box_overlap(first, second) for second in boxes] for first in boxes]
    assert np.allclose(box_overlaps(boxes), expected)


def test_of_boxes_on_one_face_the_best_is_left():
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [0, 1, 10, 11]])
    kept, scores = suppress(boxes, np.array([0.5, 0.9, 0.7, 0.8]))
    assert kept.tolist() == [[1, 0, 11, 10], [50, 50, 60, 60]]
    assert scores.tolist() == [0.9, 0.7]


def test_a_mouth_lies_in_the_middle_of_its_face_and_a_neighbour_does_not():
    face, mouth, neighbour = [0.0, 0, 100, 100], [35, 60, 65, 90], [80, 0, 110, 30]
    assert centered_in(np.array([face, mouth, neighbour])).tolist() == [
        [True, False, False],
        [True, True, False],
        [False, False, True],
    ]


def test_boxes_are_grouped_around_the_one_with_most_company():
    boxes = np.array([[50.0, 50, 60, 60], [0, 0, 10, 10], [1, 0, 11, 10], [2, 0, 12, 10]])
    assert [group.tolist() for group in group_boxes(boxes)] == [[1, 2, 3], [0]]
    assert group_boxes(np.zeros((0, 4))) == []


# Both finders -------------------------------------------------------------------------------------


@pytest.fixture(params=["cascade", "yunet"])
def finder(request):
    if request.param == "yunet":
        return YuNet(request.getfixturevalue("yunet_file"))
    return Cascade()


def test_the_best_box_lies_where_the_landmarks_are(finder):
    boxes, scores = finder(astronaut())
    assert box_overlap(boxes[0], ASTRONAUT) > 0.75
    assert (np.diff(scores) <= 0).all() and (scores > 0).all() and (scores <= 1).all()


def test_grey_and_rgba_are_looked_at_too(finder):
    grey = astronaut().mean(axis=2).astype(np.uint8)
    rgba = np.concatenate([astronaut(), np.full((512, 512, 1), 255, np.uint8)], axis=2)
    for image in (grey, rgba):
        assert box_overlap(finder(image)[0][0], ASTRONAUT) > 0.75


def test_a_box_is_in_pixels_of_the_photo_whatever_its_size(finder):
    for scale in (0.5, 2.7):
        size = round(512 * scale)
        image = cv2.resize(astronaut(), (size, size), interpolation=cv2.INTER_AREA)
        wanted = (ASTRONAUT + 0.5) * (size / 512) - 0.5
        assert box_overlap(finder(image)[0][0], wanted) > 0.7


def test_a_face_moves_with_the_photo_around_it(finder):
    placed = np.full((700, 900, 3), 128, np.uint8)
    placed[150:662, 300:812] = astronaut()
    assert box_overlap(finder(placed)[0][0], ASTRONAUT + (300, 150, 300, 150)) > 0.7


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 1, 3), (5, 3, 3), (2, 3000, 3), (3000, 2, 3), (64, 64)]
)
def test_pictures_too_small_for_a_face_hold_none(finder, shape):
    boxes, scores = finder(np.full(shape, 90, np.uint8))
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_what_is_no_image_is_refused(finder):
    with pytest.raises(ImageError, match="dtype uint8"):
        finder(np.zeros((8, 8, 3)))


def test_finding_twice_gives_the_same(finder):
    first, second = finder(astronaut()), finder(astronaut())
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "finder", ["yunet", pytest.param("cascade", marks=pytest.mark.slow)], indirect=True
)
def test_places_are_the_medians_over_training_faces(finder, real_data):
    root = real_data / "300w_crops"
    pictures = [
        path
        for part in ("afw", "helen/trainset", "lfpw/trainset")
        for path in sorted((root / part).glob("*.jpg"))[::50]
    ]
    found, wanted = [], []
    for path in pictures:
        target = tight_box(read_pts(path.with_suffix(".pts")))
        windows, _ = finder.windows(read_image(path))
        near = [window for window in windows if box_overlap(window, target) > 0.3]
        if near:
            found.append(near[0])
            wanted.append(target)
    assert len(found) > 0.75 * len(pictures)
    place = fit_place(np.array(found), np.array(wanted))
    used = faces.YUNET_PLACE if isinstance(finder, YuNet) else faces.CASCADE_PLACE
    assert place.shift_x == pytest.approx(used.shift_x, abs=0.03)
    assert place.shift_y == pytest.approx(used.shift_y, abs=0.03)
    assert place.scale == pytest.approx(used.scale, abs=0.05)


# YuNet alone --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "canvas"),
    [(80, (80, 80)), (400, (3000, 4000))],
    ids=["16 px in a thumbnail", "1/56 of a large photo"],
)
def test_yunet_finds_small_faces(yunet_file, side, canvas):
    photo = np.full((*canvas, 3), 128, np.uint8)
    top, left = (canvas[0] - side) // 2, (canvas[1] - side) // 3
    photo[top : top + side, left : left + side] = cv2.resize(
        astronaut(), (side, side), interpolation=cv2.INTER_AREA
    )
    wanted = (ASTRONAUT + 0.5) * (side / 512) - 0.5 + (left, top, left, top)
    boxes, _ = YuNet(yunet_file)(photo)
    assert len(boxes) == 1 and box_overlap(boxes[0], wanted) > 0.6


def test_yunet_finds_a_face_that_fills_the_photo(yunet_file):
    close = cv2.resize(astronaut()[70:200, 160:290], (2000, 2000), interpolation=cv2.INTER_CUBIC)
    wanted = (ASTRONAUT + 0.5 - (160, 70, 160, 70)) * (2000 / 130) - 0.5
    boxes, _ = YuNet(yunet_file)(close)
    assert len(boxes) == 1 and box_overlap(boxes[0], wanted) > 0.6


def test_yunet_says_nothing(yunet_file, capfd):
    YuNet(yunet_file)(astronaut())
    assert capfd.readouterr() == ("", "")


def test_one_yunet_may_be_used_by_several_threads(yunet_file):
    yunet = YuNet(yunet_file)
    images = [astronaut()[: 512 - 16 * i] for i in range(3)]
    alone = [yunet(image)[0] for image in images]
    together: list = [None] * 3

    def work(i):
        for _ in range(2):
            together[i] = yunet(images[i])[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for first, second in zip(alone, together, strict=True):
        assert np.array_equal(first, second)


# Where the model comes from -----------------------------------------------------------------------


def test_a_path_comes_before_the_variable_and_the_variable_before_the_cache(
    no_model, monkeypatch, tmp_path
):
    cached = tmp_path / "cache" / "onedheat" / faces.YUNET_FILE
    for path in (tmp_path / "given", tmp_path / "named", cached):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"model")
    monkeypatch.setattr(faces, "YUNET_SHA256", hashlib.sha256(b"model").hexdigest())
    assert yunet_model() == cached
    monkeypatch.setenv("ONEDHEAT_YUNET", str(tmp_path / "named"))
    assert yunet_model() == tmp_path / "named"
    assert yunet_model(tmp_path / "given") == tmp_path / "given"


def test_a_named_model_that_is_not_there_is_an_error_not_a_reason_for_another_finder(
    no_model, monkeypatch, tmp_path
):
    with pytest.raises(FinderError, match="the path given names"):
        make_finder("auto", model=tmp_path / "nowhere.onnx")
    monkeypatch.setenv("ONEDHEAT_YUNET", str(tmp_path / "nowhere.onnx"))
    with pytest.raises(FinderError, match="the environment variable ONEDHEAT_YUNET names"):
        make_finder("auto")


def test_another_file_is_not_run_as_the_model(tmp_path):
    (tmp_path / "pointer.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(FinderError, match="not the model expected.*it has 43 bytes"):
        YuNet(tmp_path / "pointer.onnx")


def test_without_a_network_auto_falls_back_to_the_cascade_and_yunet_says_what_to_do(
    no_model, capfd
):
    assert isinstance(make_finder("auto"), Cascade)
    with pytest.raises(
        ModelOutOfReach, match="let ONEDHEAT_YUNET name it, or use the finder 'cascade'"
    ):
        make_finder("yunet")
    assert capfd.readouterr() == ("", "")


def test_a_cache_that_cannot_be_written_is_no_network(no_model, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert isinstance(make_finder("auto"), Cascade)


def test_the_model_is_fetched_once(served, monkeypatch, capfd):
    put, asked = served
    put(b"model")
    monkeypatch.setattr(faces, "YUNET_SHA256", hashlib.sha256(b"model").hexdigest())
    assert yunet_model().read_bytes() == b"model"
    assert yunet_model().read_bytes() == b"model"
    assert asked == ["/model.onnx"]
    assert capfd.readouterr() == ("", "")


def test_a_fetched_file_with_another_sum_is_not_kept(served, tmp_path):
    put, _ = served
    put(b"<html>sign in to the hotel's network</html>")
    with pytest.raises(ModelOutOfReach):
        yunet_model()
    kept = tmp_path / "cache" / "onedheat"
    assert not kept.exists() or list(kept.iterdir()) == []


def test_auto_takes_yunet_where_its_model_is(yunet_file, monkeypatch):
    monkeypatch.setenv("ONEDHEAT_YUNET", str(yunet_file))
    assert isinstance(make_finder("auto"), YuNet)
    assert len(find_faces(astronaut())[0]) == 1


def test_a_finder_of_another_name_is_refused_with_those_there_are():
    assert FINDERS == ("auto", "yunet", "cascade")
    with pytest.raises(ValueError, match="no face finder 'haar'; there are: auto, yunet, cascade"):
        find_faces(astronaut(), "haar")
