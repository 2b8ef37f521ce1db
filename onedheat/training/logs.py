"""What a run tells about itself: metrics.csv, TensorBoard, and a picture of what it finds by now.

    RUN/metrics.csv    a line for each validation
    RUN/samples.png    some validation faces, what is found beside what is labelled; the newest
    RUN/tensorboard/   all of it over time, where TensorBoard is asked for and installed

All this is for people. Where it cannot be written the run goes on, and says so once.
"""

import csv
import io
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from onedheat.files import write_atomically
from onedheat.training.sheet import SampleSheet

METRICS, SAMPLES, TENSORBOARD = "metrics.csv", "samples.png", "tensorboard"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """A line of metrics.csv: where a run was at a validation.

    Attributes:
        step: steps made.
        passes: times that each training face was seen.
        images: faces seen.
        seconds: spent in the loop, all resumptions together.
        images_per_second: mean over all of them.
        loss: mean of the steps since the line before.
        validation_nrmse: of the averaged weights, in per cent.
    """

    step: int
    passes: float
    images: int
    seconds: float
    images_per_second: float
    loss: float
    validation_nrmse: float


def read_metrics(run: str | Path) -> list[Measured]:
    """The lines of a run's metrics.csv; none if there is no such file. Broken lines are left out.

    Raises:
        OSError: the file cannot be read.
    """
    path = Path(run) / METRICS
    if not path.exists():
        return []
    kinds = {entry.name: entry.type for entry in fields(Measured)}
    found = []
    with path.open(newline="", encoding="utf-8", errors="replace") as stream:
        for row in csv.DictReader(stream):
            try:
                found.append(Measured(**{name: kind(row[name]) for name, kind in kinds.items()}))
            except (KeyError, TypeError, ValueError):
                continue  # a line that a kill cut short
    return found


class Logs:
    """Writes what a run tells. Until `begin` it only reads.

    Args:
        run: its folder; None in processes that do not write.
        step: where it is; lines after it were written by steps that are lost, and are dropped.
        tensorboard: also write for TensorBoard.
    """

    def __init__(self, run: Path | None, step: int, *, tensorboard: bool = False):
        self.run, self.step, self.tensorboard, self.silent = run, step, tensorboard, False
        self.history: list[Measured] = []
        self.board: Any = None
        if run is not None:
            with self._said_once():
                self.history = [row for row in read_metrics(run) if row.step <= step]

    def begin(self) -> None:
        """Drops lines of steps that are lost, and opens TensorBoard: no other process may train here."""
        if self.run is None:
            return
        with self._said_once():
            if self.tensorboard:
                self.board = _open_board(self.run / TENSORBOARD, self.step)
            if (self.run / METRICS).exists():
                self._write_metrics()

    def add(
        self,
        row: Measured,
        learning_rate: float,
        sheet: SampleSheet | None = None,
    ) -> None:
        """Notes a validation.

        Args:
            row: its line.
            learning_rate: of the next step.
            sheet: what was drawn; its words are kept in the picture's file.
        """
        self.history.append(row)
        with self._said_once():
            self._write_metrics()
            if sheet is not None:
                write_atomically(self.run / SAMPLES, _as_png(sheet))
            if self.board is not None:
                self._show_on_board(row, learning_rate, sheet)

    @contextmanager
    def _said_once(self) -> Iterator[None]:
        """Where something cannot be written, it is said, once until it can be again."""
        try:
            yield
        except OSError as error:
            if not self.silent:
                _log.warning("%s cannot be written (%s); training goes on", self.run, error)
            self.silent = True
        else:
            self.silent = False

    def close(self) -> None:
        """Ends what writes in the background."""
        if self.board is not None:
            self.board.close()
            self.board = None

    def _write_metrics(self) -> None:
        # The whole file each time: a line that could not be written once is there the next time.
        write_atomically(self.run / METRICS, _as_csv(self.history).encode())

    def _show_on_board(
        self, row: Measured, learning_rate: float, sheet: SampleSheet | None
    ) -> None:
        values = {
            "loss": row.loss,
            "validation/nrmse": row.validation_nrmse,
            "learning_rate": learning_rate,
            "images_per_second": row.images_per_second,
        }
        for name, value in values.items():
            self.board.add_scalar(name, value, row.step)
        if sheet is not None:
            self.board.add_image("validation/samples", sheet.picture, row.step, dataformats="HWC")
        self.board.flush()


def _open_board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        _log.info(
            "TensorBoard is not installed (pip install 'onedheat[tensorboard]'); %s has the same "
            "figures",
            METRICS,
        )
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _as_csv(rows: Iterable[Measured]) -> str:
    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, [entry.name for entry in fields(Measured)])
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return held.getvalue()


def _as_png(sheet: SampleSheet) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    held, notes = io.BytesIO(), PngInfo()
    notes.add_itxt("Description", sheet.words)
    Image.fromarray(sheet.picture).save(held, format="png", pnginfo=notes)
    return held.getvalue()
