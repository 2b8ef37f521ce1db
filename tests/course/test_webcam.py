"""What the kernel answers to a page with a camera, whatever the page sends."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

import onedheat
from onedheat.course import show as show_module
from onedheat.course import webcam
from onedheat.course.photos import photographs
from onedheat.course.webcam import MAX_BYTES, WebcamDesk, decode_jpeg, make_webcam, watch_webcam
from onedheat.data.images import ImageError
from onedheat.plots import Figure


def jpeg(picture: np.ndarray, **how) -> bytes:
    held = io.BytesIO()
    Image.fromarray(picture).save(held, format="jpeg", quality=95, **how)
    return held.getvalue()


@pytest.fixture(scope="module")
def photo():
    return photographs()["Eileen Collins"]


@pytest.fixture(scope="module")
def landmarker():
    return onedheat.load("tiny68", finder="cascade", engine="torch")


@pytest.fixture
def desk(landmarker):
    return WebcamDesk(landmarker.tracker())


@pytest.fixture
def still():
    return Figure(2, 1, "a still picture of 1 face, two inches wide")


def frame(number: int) -> dict:
    return {"type": "frame", "number": number}


def test_a_frame_is_answered_with_the_landmarks_of_its_faces(desk, landmarker, photo):
    answer = desk.answer(frame(7), [memoryview(jpeg(photo))])
    assert answer["type"] == "faces" and answer["number"] == 7
    assert answer["milliseconds"] > 0
    (face,) = answer["faces"]
    assert face["identity"] == 0 and 0.5 < face["score"] <= 1
    (known,) = landmarker(photo)
    assert np.abs(np.array(face["landmarks"]) - known.landmarks).max() < 3
    assert json.loads(json.dumps(answer)) == answer


def test_a_face_keeps_its_number_until_the_page_says_that_another_scene_begins(desk, photo):
    for number in range(3):
        (face,) = desk.answer(frame(number), [jpeg(photo)])["faces"]
        assert face["identity"] == 0
    assert desk.answer({"type": "reset"}) is None
    (face,) = desk.answer(frame(3), [jpeg(photo)])["faces"]
    assert face["identity"] == 1


def test_a_frame_without_a_face_has_an_empty_list(desk):
    grey = np.full((120, 160, 3), 128, np.uint8)
    assert desk.answer(frame(0), [jpeg(grey)])["faces"] == []


SMALL = jpeg(np.zeros((16, 16, 3), np.uint8))


@pytest.mark.parametrize(
    ("content", "buffers", "number", "said"),
    [
        (None, [], None, "expected a frame"),
        ("frame", [SMALL], None, "expected a frame"),
        ({}, [SMALL], None, "expected a frame"),
        ({"type": "frames", "number": 1}, [SMALL], 1, "expected a frame"),
        ({"type": "frame"}, [SMALL], None, "expected a frame"),
        ({"type": "frame", "number": "1"}, [SMALL], None, "expected a frame"),
        ({"type": "frame", "number": True}, [SMALL], None, "expected a frame"),
        (frame(1), [], 1, "one buffer"),
        (frame(1), [SMALL, SMALL], 1, "one buffer"),
        (frame(1), [b""], 1, "no JPEG or a damaged one"),
        (frame(1), [b"\x89PNG\r\n\x1a\n"], 1, "no JPEG or a damaged one"),
        (frame(1), [jpeg(np.zeros((64, 64, 3), np.uint8))[:300]], 1, "no JPEG or a damaged one"),
        (frame(1), [jpeg(np.zeros((8, 3000), np.uint8))], 1, "3000 × 8 pixels, at most 2048"),
        (frame(1), [bytes(MAX_BYTES + 1)], 1, "4,000,001 bytes, at most 4,000,000"),
    ],
)
def test_whatever_else_a_page_sends_is_answered_with_a_sentence(
    desk, content, buffers, number, said
):
    answer = desk.answer(content, buffers)
    assert answer["type"] == "error" and answer["number"] == number
    assert said in answer["message"] and answer["message"].endswith(".")


def test_random_damage_to_a_jpeg_is_refused_or_decoded_but_never_raises(desk, photo):
    rng = np.random.default_rng(0)
    whole = np.frombuffer(jpeg(photo[:96, :128]), np.uint8)
    kinds = set()
    for number in range(60):
        broken = whole.copy()
        broken[rng.integers(0, len(whole), 12)] = rng.integers(0, 256, 12)
        cut = broken[: rng.integers(2, len(whole))] if number % 2 else broken
        kinds.add(desk.answer(frame(number), [cut.tobytes()])["type"])
    assert kinds == {"error", "faces"}


def test_grey_and_cmyk_jpegs_become_rgb():
    grey = jpeg(np.full((8, 12), 200, np.uint8))
    assert decode_jpeg(grey).shape == (8, 12, 3)
    held = io.BytesIO()
    Image.new("CMYK", (12, 8)).save(held, format="jpeg")
    assert decode_jpeg(held.getvalue()).shape == (8, 12, 3)
    with pytest.raises(ImageError):
        decode_jpeg(b"\xff\xd8\xff")


def test_the_widget_hands_messages_to_the_desk_and_sends_its_answer(
    landmarker, still, photo, monkeypatch
):
    pytest.importorskip("anywidget")
    widget = make_webcam(landmarker.tracker(), still, width=320)
    assert widget.width == 320 and widget.still_alt == still.alt
    assert widget.still_png.startswith(b"\x89PNG")
    assert "getUserMedia" in widget._esm and ".onedheat-webcam" in widget._css
    points = {index for line in widget.lines for index in line}
    assert points <= set(range(68))
    sent = []
    monkeypatch.setattr(widget, "send", sent.append)
    widget._handle_custom_msg(frame(5), [memoryview(jpeg(photo))])
    widget._handle_custom_msg({"type": "reset"}, [])
    assert [answer["number"] for answer in sent] == [5]


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as bundles."""
    kept = []
    monkeypatch.setattr(
        show_module, "display", lambda bundle, metadata=None, raw=False: kept.append(bundle)
    )
    return kept


def test_without_anywidget_a_sentence_and_the_still_picture_are_shown(
    landmarker, still, shown, monkeypatch
):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    webcam._webcam_class.cache_clear()
    try:
        watch_webcam(landmarker.tracker(), still)
    finally:
        webcam._webcam_class.cache_clear()
    assert "pip install anywidget" in shown[0]["text/plain"]
    assert shown[1]["text/plain"] == still.alt and "image/png" in shown[1]


def test_a_page_without_a_kernel_has_words_in_place_of_the_widget(landmarker, still, shown):
    pytest.importorskip("anywidget")
    watch_webcam(landmarker.tracker(), still)
    assert "camera view appears here" in shown[0]["text/plain"]
