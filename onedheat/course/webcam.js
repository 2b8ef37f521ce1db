// The page's half of the webcam widget; the kernel's half is webcam.py beside this file.
//
// One frame is on its way at a time: the next is taken when the answer to the last has come. However slow
// the kernel, nothing piles up, and what is drawn is never older than one frame. The canvas shows the
// frame that was looked at with the landmarks found in it, so that the two belong together.
//
// to the kernel    {type: "frame", number}, one buffer: a JPEG
//                  {type: "reset"}                         another scene begins
// from the kernel  {type: "faces", number, milliseconds, faces: [{identity, score, landmarks}]}
//                  {type: "error", number, message}
//
// After each answer the widget's element fires "onedheat-faces" with the answer as its detail.

const QUALITY = 0.8; // of the JPEGs: at 480 pixels about 25 kB a frame
const PATIENCE = 5000; // milliseconds after which it is said that the kernel has not answered
const WINDOW = 2000; // milliseconds over which frames are counted

// What stopped the camera, by the name of getUserMedia's error, in words that say what to do next.
const REFUSALS = {
  NotAllowedError: "The camera may not be used. Permit it by the sign beside this page's address, then press Start again.",
  NotFoundError: "There is no camera here. Plug one in, then press Start again.",
  NotReadableError: "The camera does not answer; perhaps another program uses it. Close that, then press Start again.",
  OverconstrainedError: "The camera has no picture of the size that was asked for.",
};
const NO_CAMERA_API =
  "This page may not ask for a camera: browsers allow it on localhost and on https addresses only.";

export default {
  render({ model, el }) {
    const page = build(el, model);
    const camera = new Camera(model, page);
    page.button.addEventListener("click", () => camera.toggle());
    page.mirror.addEventListener("change", () => page.root.classList.toggle("mirrored", page.mirror.checked));
    const answered = (message) => camera.receive(message);
    model.on("msg:custom", answered);
    return () => {
      model.off("msg:custom", answered);
      camera.stop("");
    };
  },
};

class Camera {
  constructor(model, page) {
    this.model = model;
    this.page = page;
    this.video = document.createElement("video");
    Object.assign(this.video, { muted: true, playsInline: true });
    this.frame = document.createElement("canvas"); // the one that is on its way
    this.shown = document.createElement("canvas"); // the one before, whose answer has come
    // Of the frame that is on its way, or was last. Views of one widget hear each other's answers, and
    // numbers that begin anywhere keep them apart.
    this.number = Math.floor(Math.random() * 2 ** 30);
    this.waiting = false;
    this.session = 0; // counts starts and stops, so that what comes late is known to be late
    this.times = [];
  }

  toggle() {
    if (this.stream || this.starting) this.stop("Stopped. The camera is off.");
    else this.start();
  }

  async start() {
    const session = ++this.session;
    if (!navigator.mediaDevices?.getUserMedia) return this.refuse(NO_CAMERA_API);
    this.starting = true;
    this.page.button.textContent = "Stop";
    this.say("Waiting for the camera …");
    const width = { ideal: this.model.get("width") };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width, facingMode: "user" }, audio: false });
    } catch (error) {
      if (session === this.session) this.refuse(REFUSALS[error.name] ?? `The camera cannot be used: ${error.message}`);
      return;
    }
    if (session !== this.session) return stream.getTracks().forEach((track) => track.stop());
    this.starting = false;
    this.stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (session === this.session) this.refuse("The camera has gone.");
    });
    this.video.srcObject = stream;
    try {
      await this.video.play();
    } catch (error) {
      if (session === this.session) this.refuse(`The camera's picture cannot be shown: ${error.message}`);
      return;
    }
    this.times = [];
    this.page.root.classList.add("live");
    this.say("The camera is on.");
    this.model.send({ type: "reset" });
    this.send(session);
  }

  /** Turns the camera off. What is on its way is not drawn any more. */
  stop(words) {
    this.session++;
    this.starting = false;
    this.waiting = false;
    clearTimeout(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
    this.page.button.textContent = "Start the camera";
    this.page.rate.textContent = "";
    if (words) this.say(words);
  }

  /** Without a camera the still picture stands in. */
  refuse(why) {
    this.stop(`${why} The still picture shows the same.`);
    this.page.root.classList.remove("live");
  }

  say(words) {
    this.page.status.textContent = words;
  }

  /** Sends the frame that the camera shows now. */
  send(session) {
    if (session !== this.session) return;
    const { videoWidth, videoHeight } = this.video;
    const shrink = Math.min(1, this.model.get("width") / Math.max(videoWidth, videoHeight, 1));
    this.frame.width = Math.max(1, Math.round(videoWidth * shrink));
    this.frame.height = Math.max(1, Math.round(videoHeight * shrink));
    this.frame.getContext("2d").drawImage(this.video, 0, 0, this.frame.width, this.frame.height);
    this.frame.toBlob(async (blob) => {
      const jpeg = await blob?.arrayBuffer();
      if (session !== this.session) return;
      if (jpeg) this.hand(jpeg);
      else requestAnimationFrame(() => this.send(session)); // no picture yet
    }, "image/jpeg", QUALITY);
  }

  hand(jpeg) {
    try {
      this.model.send({ type: "frame", number: ++this.number }, undefined, [jpeg]);
    } catch (error) {
      return this.refuse("The kernel is gone; run this cell again.");
    }
    this.waiting = true;
    this.timer = setTimeout(() => {
      this.say("The kernel has not answered for some seconds: it is busy with a cell, or gone. Waiting …");
    }, PATIENCE);
  }

  /** Sends the next frame and then draws this answer, so that kernel and page work at the same time. */
  receive(message) {
    if (!this.waiting || message.number !== this.number) return; // of a frame from before a stop
    this.waiting = false;
    clearTimeout(this.timer);
    [this.frame, this.shown] = [this.shown, this.frame];
    this.sendWhenSeen(this.session);
    if (message.type === "faces") {
      this.draw(message.faces);
      this.count(message);
      this.page.root.dispatchEvent(new CustomEvent("onedheat-faces", { detail: message, bubbles: true }));
    } else {
      this.say(message.message);
    }
  }

  /** A page that nobody sees sends nothing until it is seen again. */
  sendWhenSeen(session) {
    if (!document.hidden) return this.send(session);
    document.addEventListener("visibilitychange", () => this.send(session), { once: true });
  }

  draw(faces) {
    const { canvas } = this.page;
    canvas.width = this.shown.width;
    canvas.height = this.shown.height;
    const pen = canvas.getContext("2d");
    pen.drawImage(this.shown, 0, 0);
    const lines = this.model.get("lines");
    for (const { landmarks } of faces) {
      // A landmark counts from the centre of the first pixel, a canvas from that pixel's edge.
      const points = landmarks.map(([x, y]) => [x + 0.5, y + 0.5]);
      for (const line of lines) trace(pen, line.map((index) => points[index]));
      const radius = Math.max(1.6, canvas.width / 240);
      for (const [x, y] of points) dot(pen, x, y, radius);
    }
  }

  /** Says how many faces there are when that changes, and how fast it goes each time. */
  count({ faces, milliseconds }) {
    const time = performance.now();
    this.times = [...this.times.filter((one) => time - one.time < WINDOW), { time, milliseconds }];
    const span = time - this.times[0].time;
    const rate = span > 0 ? (1000 * (this.times.length - 1)) / span : 0;
    const mean = this.times.reduce((sum, one) => sum + one.milliseconds, 0) / this.times.length;
    this.page.rate.textContent = `${rate.toFixed(1)} frames a second; ${mean.toFixed(0)} ms of each in the kernel`;
    const words = faces.length === 0 ? "No face is seen." : faces.length === 1 ? "1 face." : `${faces.length} faces.`;
    if (this.page.status.textContent !== words) this.say(words);
  }
}

function trace(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.lineWidth = 1;
  pen.strokeStyle = "#56B4E9";
  pen.stroke();
}

function dot(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = "#F0E442";
  pen.fill();
  pen.lineWidth = 0.6;
  pen.strokeStyle = "#000000";
  pen.stroke();
}

/** The widget's elements. The status is read out when it changes; the frame rate is not, or nothing else would be. */
function build(el, model) {
  const root = add(el, "div", { className: "onedheat-webcam mirrored" });
  const controls = add(root, "div", { className: "controls" });
  const button = add(controls, "button", { type: "button", textContent: "Start the camera" });
  const label = add(controls, "label");
  const mirror = add(label, "input", { type: "checkbox", checked: true });
  label.append(" as in a mirror");
  const status = add(root, "p", { textContent: "The camera is off until you press Start." });
  status.setAttribute("role", "status");
  const canvas = add(root, "canvas", { width: 1, height: 1 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The camera's picture with landmarks on each face; their number is said above.");
  const still = add(root, "figure");
  const picture = add(still, "img", { alt: model.get("still_alt") });
  picture.src = URL.createObjectURL(new Blob([model.get("still_png")], { type: "image/png" }));
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
  add(still, "figcaption", { textContent: "A still picture, looked at by the same network." });
  const rate = add(root, "p", { className: "rate" });
  return { root, button, mirror, status, canvas, rate };
}

function add(parent, tag, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}
