"""Go on after an input that fails, whatever fails in it: its loader, the network, or the memory."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import torch
from monai.data import Dataset

from ..checks import RequestError
from .result_writer import ResultWriter

FAILED = "failed"
# A traceback as text ends with the class of the exception and what it says.
_KIND = re.compile(r"^[A-Za-z_][\w.]*: ")


class ForgivingDataset(Dataset):
    """MONAI's `Dataset`; an item that cannot be loaded keeps the reason under `failed`, for `ForgivingIteration`."""

    def _transform(self, index: int) -> Any:
        try:
            return super()._transform(index)
        except Exception as error:
            return {"image": self.data[index]["image"], FAILED: reason(error)}


class ForgivingIteration:
    """An evaluator's iteration; an input that fails is told to the writer, and nothing of it is written.

    Args:
        writer: Names at the end what failed.
    """

    def __init__(self, writer: ResultWriter) -> None:
        self.writer = writer

    def __call__(self, engine: Any, batch: Mapping[str, Any]) -> Any:
        """Run one iteration; batches are of one input.

        Args:
            engine: A `SupervisedEvaluator`.
            batch: As its loader gives it.
        """
        try:
            if FAILED in batch:
                raise RequestError(batch[FAILED][0])
            return engine._iteration(engine, batch)
        except Exception as error:
            image = batch["image"]
            path = image.meta["filename_or_obj"] if hasattr(image, "meta") else image
            path = path if isinstance(path, str) else path[0]
            logging.getLogger(__name__).error("failed: %s: %s", path, found := reason(error))
            self.writer.fail(path, found)
            engine.state.batch = []
            return []


def reason(error: BaseException) -> str:
    """Why something failed, in one line: what its first cause says.

    Args:
        error: Perhaps raised by MONAI, from what really happened.
    """
    cause: BaseException | None = error
    while cause is not None:
        error, cause = cause, None if isinstance(cause, RequestError) else cause.__cause__ or cause.__context__
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "not enough memory" in str(error):
        return "not enough memory; cut it into tiles"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, RequestError) or not lines:
        return " ".join(lines) or type(error).__name__
    return _KIND.sub("", lines[-1])
