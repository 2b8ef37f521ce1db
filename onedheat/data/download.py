"""Fetches what the owners of a data set let anyone fetch: whole and checked, or not at all.

A transfer that was cut goes on where it stopped, at once or with the next call: what has arrived lies
in a hidden file `.NAME.part` until it is whole. Only a file whose checksum is right gets its name.
"""

import logging
import os
from pathlib import Path

from tqdm import tqdm

from onedheat.data.datasets import Download
from onedheat.errors import DataError

_CHUNK = 1 << 16  # bytes; what has arrived of a chunk is lost when the connection breaks
_TIMEOUT = 30  # seconds without a byte


class DownloadError(DataError):
    """A file that could not be fetched; the message says what to do."""


def fetch(download: Download, folder: str | Path, *, progress: bool = False) -> Path:
    """Fetches a file into a folder; one that is there already, with the right checksum, is kept.

    Args:
        download: what, from where, with which checksum.
        folder: it is made where it does not exist.
        progress: show a bar on standard error.

    Raises:
        DownloadError: no network, an error of the server, a checksum that is not the published one,
            or a disk that is full or may not be written.
    """
    import pooch
    import requests

    folder, url = Path(folder), download.url
    part = folder / f".{download.file}.part"
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        fetched = pooch.retrieve(
            url,
            known_hash=download.known_hash,
            fname=download.file,
            path=folder,
            downloader=_Resuming(part, progress),
        )
    except requests.HTTPError as error:
        raise DownloadError(
            f"{url} was refused by its server ({error.response.status_code} {error.response.reason}); "
            "try later, or fetch it by hand from the official page"
        ) from error
    except requests.RequestException as error:
        then = "try again"
        if arrived := _size(part):
            then += f", which goes on after the {arrived:,} bytes that have arrived"
        raise DownloadError(
            f"{url} could not be reached or broke off ({type(error).__name__}); check the network and "
            + then
        ) from error
    except OSError as error:  # requests' own errors are OSErrors too, and were caught above
        raise DownloadError(
            f"{folder / download.file} could not be written ({error.strerror or error}); free some space, or "
            "choose another folder"
        ) from error
    except ValueError as error:  # pooch's, for a checksum that is not the known one
        raise DownloadError(
            f"{url} is not the file that was published: its checksum is not {download.known_hash}, which "
            f"{download.source} states. Nothing was kept; try again, or ask its owners"
        ) from error
    finally:
        logger.setLevel(level)
    return Path(fetched)


def _size(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


class _Resuming:
    """A downloader for pooch that goes on where an earlier one stopped.

    pooch gives a temporary file, and deletes it unless its checksum is right. So what has arrived is
    gathered in a file of its own, which is moved there when it is whole.
    """

    def __init__(self, part: Path, progress: bool):
        self.part, self.progress = part, progress

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        import requests

        with tqdm(unit="B", unit_scale=True, disable=not self.progress) as bar:
            while True:
                before = _size(self.part)
                try:
                    self._go_on(url, bar)
                    break
                except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                    if _size(self.part) <= before:  # it does not get any further
                        raise
        os.replace(self.part, output_file)

    def _go_on(self, url: str, bar: tqdm) -> None:
        import requests

        have = _size(self.part)
        # Compressed on the way, the bytes that arrive would not be counted like those of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            if answer.status_code == 416:  # nothing follows: all has arrived, or of another file
                return
            answer.raise_for_status()
            starts_anew = answer.status_code != 206
            have = 0 if starts_anew else have
            bar.total = have + int(answer.headers.get("Content-Length", 0)) or None
            bar.update(have - bar.n)
            with self.part.open("wb" if starts_anew else "ab") as stream:
                for chunk in answer.iter_content(_CHUNK):
                    stream.write(chunk)
                    bar.update(len(chunk))
