"""The webcam widget in a real JupyterLab, with a camera that shows a clip whose landmarks are known."""

import json
import os

import numpy as np
import pytest
from fakecamera import camera_flags, write_y4m
from samples import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WIDTH, HEIGHT, FPS, FRAMES = 320, 240, 10, 40
SETUP = """
import onedheat
from onedheat.course.photos import photographs
from onedheat.course.webcam import watch_webcam
from onedheat.plots.faces import faces_on_photo

landmarker = onedheat.load("tiny68", finder="cascade", engine="torch")
photo = photographs()["Eileen Collins"]
face = landmarker(photo)[0]
still = faces_on_photo(photo, [face.landmarks], [face.sigma], scheme=landmarker.scheme, width=4.4)
"""
SHOW = "watch_webcam(landmarker.tracker(), still, width=320)"
LISTEN = """
() => {
  const root = document.querySelector('.onedheat-webcam');
  window.answers = [];
  window.taken = 0;
  const toBlob = HTMLCanvasElement.prototype.toBlob;
  HTMLCanvasElement.prototype.toBlob = function (...how) {
    window.taken++;
    return toBlob.apply(this, how);
  };
  root.addEventListener('onedheat-faces', (event) => {
    const canvas = root.querySelector('canvas');
    const pen = canvas.getContext('2d');
    const yellow = event.detail.faces.map((face) => face.landmarks.filter(([x, y]) => {
      const [r, g, b] = pen.getImageData(Math.round(x), Math.round(y), 1, 1).data;
      return r > 180 && g > 170 && b < 140;
    }).length);
    window.answers.push({
      ahead: window.taken - window.answers.length - 1,
      width: canvas.width, height: canvas.height, yellow, faces: event.detail.faces,
    });
  });
}
"""  # fmt: skip


@pytest.fixture(scope="module")
def clip():
    """A photograph that moves, and where its landmarks are."""
    import onedheat
    from onedheat.course.photos import photographed_faces, photographs
    from onedheat.data.stills import StillMotionConfig, clips_from_stills

    photo = photographs()["Eileen Collins"]
    (face,) = onedheat.load("tiny68", finder="cascade", engine="torch")(photo)
    faces = photographed_faces({"Eileen Collins": (photo, face.landmarks)})
    config = StillMotionConfig(WIDTH, HEIGHT, fps=FPS, occluders=None, footage=None)
    return clips_from_stills(faces, FRAMES, seed=28, config=config).clips[0]


@pytest.fixture(scope="module")
def lab(clip, tmp_path_factory):
    """A browser whose camera shows the clip; pages may use it only where they are permitted to."""
    import browser

    if browser.find_chromium() is None:
        reason = "no Chromium on this machine (on Debian and Ubuntu: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true, and {reason}")
        pytest.skip(reason)
    there_and_back = [*clip.frames, *reversed(list(clip.frames))]  # it is played over and over
    y4m = write_y4m(tmp_path_factory.mktemp("camera") / "clip.y4m", there_and_back, FPS)
    with browser.Lab(flags=camera_flags(y4m)) as started:
        yield started


def answers(page, count: int) -> list[dict]:
    page.wait_for_function(f"window.answers.length >= {count}", timeout=60_000)
    return json.loads(page.evaluate("JSON.stringify(window.answers)"))


def test_landmarks_appear_on_the_cameras_picture_and_follow_the_face(lab, clip, tmp_path, root):
    notebook = write_notebook(tmp_path / "webcam.ipynb", SETUP, SHOW)
    (root / "build").mkdir(exist_ok=True)
    shot = root / "build" / "webcam.browser.png"
    with lab.opened(notebook, screenshot=shot, permissions=["camera"]) as page:
        widget = page.locator(".onedheat-webcam")
        widget.scroll_into_view_if_needed()
        assert "68 dots a face" in widget.locator("img").get_attribute("alt")
        page.evaluate(LISTEN)
        button = widget.get_by_role("button")
        button.focus()
        button.press("Enter")  # the keyboard is enough
        seen = answers(page, 30)
        assert widget.get_by_role("status").inner_text() == "1 face."
        print(f"\nwebcam widget: {widget.locator('.rate').inner_text()}")

        faces = [one["faces"][0] for one in seen if one["faces"]]
        assert len(faces) >= 25
        assert {(one["width"], one["height"]) for one in seen} == {(WIDTH, HEIGHT)}
        # One frame is on its way at a time, however slow the kernel.
        assert {one["ahead"] for one in seen} <= {0, 1}
        # The dots are on the canvas, where the landmarks are.
        assert min(one["yellow"][0] for one in seen if one["faces"]) >= 60
        # Each answer is that of some frame of the clip, and they are of many of them.
        found = np.array([face["landmarks"] for face in faces])
        apart = np.linalg.norm(found[:, None] - clip.landmarks[None], axis=-1).mean(axis=-1)
        eyes = np.linalg.norm(clip.landmarks[:, 36] - clip.landmarks[:, 45], axis=-1).mean()
        assert np.median(apart.min(axis=1)) < 0.04 * eyes
        assert len(set(apart.argmin(axis=1).tolist())) >= 10
        moved = np.ptp(found[:, 30], axis=0).max()
        assert moved > 0.3 * np.ptp(clip.landmarks[:, 30], axis=0).max()

        canvas, mirror = widget.locator("canvas"), widget.get_by_label("as in a mirror")
        turned = "canvas => getComputedStyle(canvas).transform"
        assert canvas.evaluate(turned) == "matrix(-1, 0, 0, 1, 0, 0)"
        mirror.uncheck()
        assert canvas.evaluate(turned) == "none"

        button.press("Enter")
        assert "The camera is off" in widget.get_by_role("status").inner_text()
        count = page.evaluate("window.answers.length")
        page.wait_for_timeout(1500)
        assert page.evaluate("window.answers.length") <= count

        button.press("Enter")  # and once more
        answers(page, count + 5)


def test_without_permission_the_still_picture_stands_in(lab, tmp_path):
    notebook = write_notebook(tmp_path / "denied.ipynb", SETUP, SHOW)
    with lab.opened(notebook) as page:
        widget = page.locator(".onedheat-webcam")
        widget.get_by_role("button", name="Start the camera").click()
        status = widget.get_by_role("status")
        page.wait_for_function(
            "document.querySelector('.onedheat-webcam [role=status]').textContent.includes('still')"
        )
        said = status.inner_text()
        assert said.startswith("The camera may not be used.") and "still picture" in said
        assert widget.locator("img").is_visible()
        assert widget.locator("img").evaluate("image => image.naturalWidth") > 100
        assert not widget.locator("canvas").is_visible()
        assert widget.get_by_role("button", name="Start the camera").is_enabled()

        for devices, reason in (
            ("undefined", "localhost and on https addresses only"),
            (
                "{getUserMedia: async () => {throw new DOMException('', 'NotFoundError')}}",
                "no camera",
            ),
            ("{getUserMedia: async () => {throw new Error('a storm')}}", "cannot be used: a storm"),
        ):
            page.evaluate(
                f"Object.defineProperty(navigator, 'mediaDevices', {{value: {devices}, configurable: true}})"
            )
            widget.get_by_role("button", name="Start the camera").click()
            page.wait_for_function(
                "words => document.querySelector('.onedheat-webcam').innerText.includes(words)",
                arg=reason,
            )
            assert "still picture" in status.inner_text() and widget.locator("img").is_visible()
