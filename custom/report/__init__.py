"""What a run leaves for people: figures, tables, one page, and a record of how it was made."""

from .evaluation_handler import EvaluationHandler
from .figures import curves_figure, gate_use_figure, gate_verdict
from .glands.evaluation import GlandEvaluation
from .glands.scores import GlandScores
from .history import History
from .organs.evaluation import OrganEvaluation
from .organs.gates import gate_maps_figure, gate_use_by_layer_figure
from .organs.scores import OrganScores
from .page import report_page
from .run_record import Beginning

__all__ = [
    "Beginning",
    "EvaluationHandler",
    "GlandEvaluation",
    "GlandScores",
    "History",
    "OrganEvaluation",
    "OrganScores",
    "curves_figure",
    "gate_maps_figure",
    "gate_use_by_layer_figure",
    "gate_use_figure",
    "gate_verdict",
    "report_page",
]
