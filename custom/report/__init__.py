"""What a run leaves for people: figures, tables, overlays, one page, and a record of how it was made.

`overlay.overlay` and `run_record.run_record` are not repeated here: the names would hide their modules.
"""

from .evaluation import EvaluationReport
from .figures import curves_figure, gate_use_figure, gate_verdict, scores_figure
from .gate_figures import gate_maps_figure, gate_use_by_layer_figure
from .history import History
from .html import Case, report_page
from .output_names import output_stems
from .run_record import check_same_run, write_run_record
from .section_scores import SectionScores
from .tile_writer import TileWriter
from .volume_report import VolumeReport
from .volume_scores import VolumeScores
from .volume_writer import VolumeWriter

__all__ = [
    "Case",
    "EvaluationReport",
    "History",
    "SectionScores",
    "TileWriter",
    "VolumeReport",
    "VolumeScores",
    "VolumeWriter",
    "check_same_run",
    "curves_figure",
    "gate_maps_figure",
    "gate_use_by_layer_figure",
    "gate_use_figure",
    "gate_verdict",
    "output_stems",
    "report_page",
    "scores_figure",
    "write_run_record",
]
