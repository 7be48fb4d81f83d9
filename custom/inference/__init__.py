"""From an image to results: the inferers, and the handlers that write what was found."""

from .forgiving import ForgivingDataset, ForgivingIteration
from .output_names import output_stems
from .progress import EngineProgress
from .tiles.inferer import TileInferer
from .tiles.square_inferer import SquareInferer
from .tiles.writer import TileWriter
from .volumes.inferer import VolumeInferer
from .volumes.writer import VolumeWriter

__all__ = [
    "EngineProgress",
    "ForgivingDataset",
    "ForgivingIteration",
    "SquareInferer",
    "TileInferer",
    "TileWriter",
    "VolumeInferer",
    "VolumeWriter",
    "output_stems",
]
