"""How fast training pictures are made, beside how fast training uses them up:

    python tests/bench_crops.py 300w ROOT

Rounds of the same four measurements follow one another, and the best round of each counts, as other
work on the machine only ever slows one down. Images a second:

    reading, cold   photos decoded from their files, cropped, put into batches on the device
    reading, warm   the same with the photos kept decoded, as from the second pass on
    augmentation    light, colour, occluders, blur, noise and compression of ready batches
    training        steps on ready batches, augmentation included: what reading has to keep up with
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from onedheat.data import FaceSet, read
from onedheat.data.augment import Augmentation
from onedheat.data.crops import FaceBatch, FaceBatches
from onedheat.presets import PRESETS, Preset
from onedheat.training import Run


class Bench:
    """The measurements of one preset on one set of faces.

    Args:
        preset: what is trained.
        faces: of which `images` are read.
        images: how many a measurement takes; rounded down to whole batches.
        folder: of the run, for what it writes.
    """

    def __init__(self, preset: Preset, faces: FaceSet, images: int, folder: str):
        self.run = Run(preset, faces, folder, progress=False)
        self.config, self.size = preset.train, preset.detector.size
        self.faces = self.run.training
        count = min(images, len(self.faces)) // self.config.batch_size * self.config.batch_size
        shuffled = np.random.default_rng(0).permutation(len(self.faces))[:count]
        self.batches_of = shuffled.reshape(-1, self.config.batch_size).tolist()
        self.images = count
        self.augmentation = Augmentation(self.config.augment, seed=self.config.seed)
        self.learner = self.run.learner
        self.ready: list[FaceBatch] = []

    def round(self) -> dict[str, float]:
        """Images a second of each measurement."""
        plan = [[(0, face) for face in faces] for faces in self.batches_of]
        batches = FaceBatches(
            self.faces,
            plan,
            self.size,
            self.config.augment,
            device=self.run.accelerator.device,
            workers=self.config.workers,
        )
        cold = self._rate(lambda: self._read(batches))
        warm = self._rate(lambda: self._read(batches))
        return {
            "reading, cold": cold,
            "reading, warm": warm,
            "augmentation": self._rate(self._augment),
            "training": self._rate(self._train),
        }

    def _read(self, batches: FaceBatches) -> None:
        self.ready = list(batches)

    def _augment(self) -> None:
        for step, batch in enumerate(self.ready):
            self.augmentation(batch.images, step)

    def _train(self) -> None:
        for batch in self.ready:
            self.learner.learn([batch])

    def _rate(self, work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        if self.run.accelerator.device.type == "cuda":
            torch.cuda.synchronize()
        return self.images / (time.perf_counter() - start)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("root")
    parser.add_argument("--split", default="train")
    parser.add_argument("--preset", default="tiny", choices=PRESETS)
    parser.add_argument("--images", type=int, default=320, help="that each measurement takes")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    faces = read(given.dataset, given.root, given.split)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(PRESETS[given.preset], faces, given.images, folder)
        rounds = [bench.round() for _ in range(given.rounds)]
    best = {name: max(one[name] for one in rounds) for name in rounds[0]}
    device = bench.run.accelerator.device
    print(
        f"{given.preset} on {faces.name}, {bench.images} faces, device {device}, "
        f"{torch.get_num_threads()} threads, best of {given.rounds}"
    )
    for name, rate in best.items():
        times = rate / best["training"]
        print(f"{name:14s} {rate:8.0f} images/s  {times:5.1f} × what training uses")


if __name__ == "__main__":
    main()
