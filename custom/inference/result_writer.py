"""What the writers of all recipes have in common: where results go, a table at the end, and what failed."""

from __future__ import annotations

import csv
import io
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from ..data.source_file import shown
from ..files import write_text
from .items import items
from .output_names import output_stems


class ResultWriter(ABC):
    """Handler that writes the results of each input of an inference run, and a table of all at the end.

    One input that fails does not stop the others: it is named at the end, and stands in `failed`.

    Args:
        inputs: All that was asked for; one that never arrives here counts as failed.
        output_dir: Where results go.
        input_dir: The folder that the inputs' own folders are counted from; None: the one all inputs lie in.
        endings: What each input's results are called after its name.
        parts: The parts that each input's results have, such as its tasks; an input that lacks one failed.

    Attributes:
        what: What an input is called in messages.
        table: Name of the table, a row for each thing found.
        columns: Its columns.
        failed: Input to reason.

    Raises:
        RequestError: If two inputs share an output name, an output would replace an input, or an input lies elsewhere.
    """

    what: str
    table: str
    columns: Sequence[str]

    def __init__(
        self,
        inputs: Sequence[str | os.PathLike[str]],
        output_dir: str | os.PathLike[str],
        input_dir: str | os.PathLike[str] | None,
        endings: Sequence[str],
        parts: Sequence[str] = ("",),
    ) -> None:
        if input_dir is None and inputs:
            input_dir = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in inputs])
        stems = output_stems(inputs, output_dir, input_dir or ".", endings)
        # A link is an input by its own name, wherever what it points at lies.
        self.stems = {Path(os.path.abspath(path)): stem for path, stem in stems.items()}
        self.output_dir = Path(output_dir)
        self.failed: dict[str, str] = {}
        self._parts = list(parts)
        self._rows: dict[tuple[Path, str], list[dict[str, Any]]] = {}

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Args:
            engine: The evaluator; its items hold what `write` needs, and `image` with the name of its file.
        """
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    @abstractmethod
    def write(self, path: Path, item: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Write the results of one item; any exception counts as its failure.

        Args:
            path: Its input.
            item: As the engine holds it.

        Yields:
            Each part that is written, with its rows of the table.
        """

    def earlier(self) -> list[dict[str, Any]]:
        """Rows of the table that an earlier run left and that stay, above those of this one."""
        return []

    def name_of(self, path: Path) -> str:
        """An input in the table: its name, with its folder below the inputs' own."""
        return (self.stems[path].relative_to(self.output_dir.resolve()).parent / path.name).as_posix()

    def fail(self, path: str | os.PathLike[str], reason: str) -> None:
        """Note an input that failed before its results could be written.

        Args:
            path: The input.
            reason: Why, in one line.
        """
        self.failed[os.path.abspath(path)] = reason

    def _write(self, engine: Engine) -> None:
        for item in items(engine):
            path = Path(os.path.abspath(item["image"].meta["filename_or_obj"]))
            try:
                for part, rows in self.write(path, item):
                    self._rows[path, part] = rows
            except Exception as error:  # one that cannot be written must not end the others
                self.fail(path, str(error) or type(error).__name__)

    def _finish(self, _: Engine) -> None:
        logger = logging.getLogger(__name__)
        text = io.StringIO()
        table = csv.DictWriter(text, self.columns, lineterminator="\n")
        table.writeheader()
        table.writerows(self.earlier())
        for path in self.stems:
            for part in self._parts:
                table.writerows(self._rows.get((path, part), []))
                if (path, part) not in self._rows:
                    self.failed.setdefault(str(path), f"the {self.what} could not be read")
        write_text(self.output_dir / self.table, text.getvalue())
        done, rows = len({path for path, _ in self._rows}), sum(map(len, self._rows.values()))
        logger.info("%d %ss, %d rows in %s: %s", done, self.what, rows, self.table, self.output_dir)
        if self.failed:
            listed = "; ".join(f"{shown(path)}: {reason}" for path, reason in self.failed.items())
            logger.error("%d of %d %ss failed: %s", len(self.failed), len(self.stems), self.what, listed)
