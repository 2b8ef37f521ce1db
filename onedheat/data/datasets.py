"""The data sets by name: who published each, how its folder looks, what reads and what checks it.

A folder of one's own annotated faces is a data set too; its name is its path. Readers are imported
when they are used, so that listing the data sets costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from onedheat.data.checks.report import CheckReport
from onedheat.data.clips import ClipSet, drawn_frames
from onedheat.data.occluders.passing import PassingConfig
from onedheat.data.samples import FaceSet
from onedheat.data.stills import StillMotionConfig, clips_from_stills
from onedheat.errors import DataError

# What hides points is what a memory is for: clips to train on are seldom without it.
_OFTEN = PassingConfig(every=1.5, share=1.0, lasting=(0.5, 1.5))

BEND = 0.05
"""What photos are bent by in clips to train on (`StillMotionConfig.bend`): a tracker that saw stiff faces
alone holds one back whose parts move against each other."""


@dataclass(frozen=True)
class Download:
    """A file that anyone may fetch from its owners.

    Attributes:
        url: its public address.
        file: its name in the folder of the data set.
        known_hash: ``"sha256:…"`` or another algorithm that pooch knows.
        source: where that checksum was read; one that was computed from a download proves nothing.
    """

    url: str
    file: str
    known_hash: str
    source: str


@dataclass(frozen=True)
class DataSet:
    """A published data set, or a folder of one's own.

    Attributes:
        name: as on the command line.
        title: its name and paper.
        page: the official page, where its owners give it out.
        terms: under which.
        layout: the folder that its reader expects, as a tree.
        splits: the names of its official splits: the training one, then the one that is measured on
            unless another is asked for, then the others.
        reader: module and function (root, split) → `FaceSet`.
        checker: module and function (root, progress=) → `CheckReport`.
        clip_reader: module and function (root, split) → `ClipSet`, of a set of videos.
        clip_maker: module and function (split, frames) → `ClipSet`, of one that is made.
        counter: module and function (split) → how many faces its owners give out.
        downloads: what `onedheat data get` may fetch. Empty where the owners ask for a form, give no
            public address, or publish no checksum.
        made: whether it is made and not read; its functions are given None as root.
        folder: where a set of one's own lies.
    """

    name: str
    title: str
    page: str
    terms: str
    layout: str
    splits: tuple[str, ...]
    reader: str
    checker: str
    clip_reader: str | None = None
    clip_maker: str | None = None
    counter: str | None = None
    downloads: tuple[Download, ...] = ()
    made: bool = False
    folder: Path | None = None

    @property
    def needs_root(self) -> bool:
        """Whether a person has to say where it lies."""
        return not self.made and self.folder is None

    @property
    def test_split(self) -> str:
        """The split that is measured on unless another is asked for."""
        return self.splits[min(1, len(self.splits) - 1)]

    def official_faces(self, split: str) -> int | None:
        """How many faces a split has as its owners give it out; None where that is not known."""
        return _function(self.counter)(split) if self.counter else None

    def read(self, root: str | Path | None = None, split: str | None = None) -> FaceSet:
        """The faces of a split, the training one by default. Raises `DataError` if there are none."""
        return _function(self.reader)(self._place(root), split or self.splits[0])

    def clips(self, root: str | Path | None = None, split: str | None = None) -> ClipSet:
        """The clips of a split of a set of videos. Raises `DataError` if there are none."""
        if self.clip_reader is None:
            raise DataError(f"{self.name} has photos only; read() gives its faces")
        return _function(self.clip_reader)(self._place(root), split or self.splits[0])

    def moving(self, root: str | Path | None, split: str | None, frames: int) -> ClipSet:
        """Clips of a split to train on: of a set of videos its own; of photos one each, of so many
        frames, as a moving camera sees it (`onedheat.data.stills`), the photo bent a little, with
        something in front of the face in one frame of three.
        """
        if self.clip_reader is not None:
            return self.clips(root, split)
        config = StillMotionConfig(bend=BEND, passing=_OFTEN, latest_start=60.0)
        return clips_from_stills(self.read(root, split), frames, config=config)

    def watched(self, root: str | Path | None, split: str | None, frames: int) -> ClipSet:
        """Clips of a split to measure on: of a set of videos its own, whole; synthetic heads that turn
        and talk; of photos one each, as a moving camera sees it. What is made has so many frames, and
        the occluders of tests in front.
        """
        if self.clip_reader is not None:
            return self.clips(root, split)
        if self.clip_maker is not None:
            return _function(self.clip_maker)(split or self.splits[0], frames)
        config = StillMotionConfig(occluders="test")
        return clips_from_stills(self.read(root, split), frames, config=config)

    def drawn(
        self, root: str | Path | None, split: str | None, count: int, seed: int = 0
    ) -> FaceSet:
        """Some faces of a split, or frames of its clips, chosen at random."""
        if self.clip_reader is not None:
            return drawn_frames(self.clips(root, split), count, seed)
        return self.read(root, split).drawn(count, seed)

    def check(self, root: str | Path | None = None, *, progress: bool = False) -> CheckReport:
        """What is wrong with a folder. Raises `DataError` if there is none."""
        return _function(self.checker)(self._place(root), progress=progress)

    def _place(self, root: str | Path | None) -> str | Path | None:
        if self.needs_root and root is None:
            raise DataError(f"{self.name} lies in a folder; say in which")
        if not self.needs_root and root is not None:
            raise DataError(f"{self.name} needs no folder beside its name; leave {root} out")
        return self.folder or root


def _function(path: str) -> Callable:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


DATASETS = {
    entry.name: entry
    for entry in (
        DataSet(
            name="300w",
            title="300W (Sagonas et al. 2016): 68 points in photos of AFW, Helen, LFPW and iBUG",
            page="https://ibug.doc.ic.ac.uk/resources/300-W/",
            terms="for research only",
            layout=(
                "afw/*.jpg  helen/{trainset,testset}/*.jpg  lfpw/{trainset,testset}/*.png\n"
                "ibug/*.jpg  01_Indoor/*.png  02_Outdoor/*.png, each photo with its .pts beside it"
            ),
            splits=("train", "common", "challenging", "full", "private"),
            reader="onedheat.data.w300.read_300w",
            checker="onedheat.data.checks.w300.check_300w",
            counter="onedheat.data.w300.official_faces",
        ),
        DataSet(
            name="aflw",
            title="AFLW-19 (Köstinger et al. 2011; Zhu et al. 2016): 19 points in photos from Flickr",
            page="https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/",
            terms="for research only; its owners send the photos to those who ask",
            layout=(
                "AFLWinfo_release.mat  flickr/{0,2,3}/image*.jpg\n"
                "the first from http://mmlab.ie.cuhk.edu.hk/projects/compositional.html"
            ),
            splits=("train", "test", "frontal"),
            reader="onedheat.data.aflw.read_aflw",
            checker="onedheat.data.checks.aflw.check_aflw",
        ),
        DataSet(
            name="wflw",
            title="WFLW (Wu et al. 2018): 98 points, and what is difficult about each face",
            page="https://wywu.github.io/projects/LAB/WFLW.html",
            terms="for research only",
            layout=(
                "WFLW_images/0--Parade/*.jpg  1--Handshaking/*.jpg  …\n"
                "WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_{train,test}.txt\n"
                "WFLW_annotations/list_98pt_test/list_98pt_test_{largepose,expression,…}.txt"
            ),
            splits=tuple(
                "train test largepose expression illumination makeup occlusion blur".split()
            ),
            reader="onedheat.data.wflw.read_wflw",
            checker="onedheat.data.checks.wflw.check_wflw",
        ),
        DataSet(
            name="300vw",
            title="300VW (Shen et al. 2015): 68 points in every frame of 114 videos",
            page="https://ibug.doc.ic.ac.uk/resources/300-VW/",
            terms="for research only",
            layout=(
                "001/vid.avi  001/annot/000001.pts  000002.pts …  002/ …\n"
                "and, to leave clips out, exclude.txt with the name of a folder in each line"
            ),
            splits=("train", "test", "scenario1", "scenario2", "scenario3"),
            reader="onedheat.data.vw300.read_300vw_faces",
            checker="onedheat.data.checks.vw300.check_300vw",
            clip_reader="onedheat.data.vw300.read_300vw",
        ),
        DataSet(
            name="talking-face",
            title="Talking Face video (FG-NET, 2004): 68 points of another markup in 5,000 frames",
            page="https://personalpages.manchester.ac.uk/staff/Timothy.F.Cootes/data/talking_face/"
            "talking_face.html",
            terms="for research only",
            layout="franck_00000.jpg  franck_00000.pts  franck_00001.jpg  …, in one folder or in two",
            splits=("all", "sound"),
            reader="onedheat.data.talking_face.read_talking_face_faces",
            checker="onedheat.data.checks.talking_face.check_talking_face",
            clip_reader="onedheat.data.talking_face.read_talking_face",
        ),
        DataSet(
            name="synthetic",
            title="synthetic faces, drawn when asked for: 68 exact points",
            page="",
            terms="none; nothing in them was taken from a photo",
            layout="",
            splits=("train", "test"),
            reader="onedheat.data.synthetic.sets.read_synthetic",
            checker="onedheat.data.checks.synthetic.check_synthetic",
            clip_maker="onedheat.data.synthetic.sets.make_clips",
            made=True,
        ),
    )
}


OWN = DataSet(
    name="own",
    title="a folder of one's own faces: two points or more",
    page="",
    terms="one's own",
    layout=(
        "scheme.json, which `onedheat data scheme FOLDER` makes, and either\n"
        "photos with a .pts file beside each, or one .csv file that names photos and their points"
    ),
    splits=("train", "test"),
    reader="onedheat.data.own.read_own",
    checker="onedheat.data.checks.own.check_own",
)


def dataset(name: str) -> DataSet:
    """The published data set of that name, or one's own that lies in the folder of that name.

    A name of `DATASETS` goes before a folder; ``./300w`` is a folder for sure.

    Raises:
        DataError: neither; the message lists the names there are.
    """
    if name in DATASETS:
        return DATASETS[name]
    if Path(name).is_dir():
        return replace(OWN, name=Path(name).resolve().name, folder=Path(name))
    raise DataError(
        f"no data set {name!r}; there are: {', '.join(DATASETS)}, or a folder of your own faces"
    )


def paired(names: Sequence[str], roots: Sequence[Path]) -> list[tuple[DataSet, Path | None]]:
    """Each data set with the folder it lies in.

    Folders belong, in their order, to those sets that lie in one: a folder of one's own faces and
    made faces take none.

    Raises:
        DataError: no such data set, or too few or too many folders.
    """
    sets = [dataset(name) for name in names]
    needing = [one.name for one in sets if one.needs_root]
    if lacking := needing[len(roots) :]:
        raise DataError(
            f"{lacking[0]} lies in a folder, which is not given; expected one for each of "
            f"{', '.join(needing)}, in this order"
        )
    if extra := roots[len(needing) :]:
        raise DataError(
            f"{len(roots)} folders are given for {len(needing)} data sets that lie in one; leave "
            f"{extra[0]} out. Your own folders and made faces take none beside their name"
        )
    left = iter(roots)
    return [(one, next(left) if one.needs_root else None) for one in sets]
