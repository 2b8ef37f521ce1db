"""Videos whose faces are followed from the first frame to the last, and what is kept of it.

table   the landmarks of every frame, as a CSV that a kill leaves whole
meters  how much faces shake, and how long a frame takes
follow  one video through a tracker into all of these
"""

from onedheat.tracks.follow import TrackReport, track_video
from onedheat.tracks.meters import JitterMeter, SpeedMeter
from onedheat.tracks.table import TableError, TrackTable, columns, read_tracks

__all__ = [
    "JitterMeter",
    "SpeedMeter",
    "TableError",
    "TrackReport",
    "TrackTable",
    "columns",
    "read_tracks",
    "track_video",
]
