"""Which image is of which patient, from a user's table: a folder of images cannot say it."""

import csv
import dataclasses
import difflib
import io
from pathlib import Path

from ..checks import RequestError
from .record import Record

_COLUMNS = ("id", "patient")
_NAMED = 3  # ids that an error names; the others are counted


def with_patients(records: list[Record], table: Path) -> list[Record]:
    """Give each record its patient.

    Args:
        records: All records of a data set.
        table: CSV (UTF-8) with a header that holds `id` and `patient`, in any order, among any other columns.

    Returns:
        The records in their order, each with its patient.

    Raises:
        RequestError: The file is no such table, an id is no image's or is there twice, or an image has no line.
    """
    patients = _read(table, {record.id for record in records})
    if missing := [record.id for record in records if record.id not in patients]:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise RequestError(f"{table}: found no line for {', '.join(missing[:_NAMED])}{more}, wanted one for each image")
    return [dataclasses.replace(record, patient=patients[record.id]) for record in records]


def _read(table: Path, known: set[str]) -> dict[str, str]:
    """Patient by id. Spreadsheets write a BOM, CRLF, blanks around fields and empty lines at the end."""
    wanted = "wanted a CSV file with the columns id and patient"
    patients: dict[str, str] = {}
    try:
        rows = csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig")), skipinitialspace=True)
        header = [field.strip().lower() for field in next(rows, [])]
        if not set(_COLUMNS) <= set(header):
            found = ",".join(header) or "nothing"
            raise RequestError(f"{table}: found the first line {found!r}, wanted columns id and patient, with commas")
        at = [header.index(column) for column in _COLUMNS]
        for row in rows:
            if not any(field.strip() for field in row):
                continue
            name, patient = (row[index].strip() if index < len(row) else "" for index in at)
            where = f"{table}, line {rows.line_num}"
            if name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
                raise RequestError(f"{where}: found the id {name!r}, wanted that of an image; the nearest is {near!r}")
            if name in patients:
                raise RequestError(f"{where}: found {name!r} again, wanted each id once")
            if not patient:
                raise RequestError(f"{where}: found no patient for {name!r}, wanted one")
            patients[name] = patient
    except OSError as error:
        raise RequestError(f"{table}: cannot be read ({error.strerror}), {wanted}") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{table}: not UTF-8 (byte {error.start}), {wanted}, saved as UTF-8") from error
    except csv.Error as error:
        raise RequestError(f"{table}: no CSV ({error}), {wanted}") from error
    return patients
