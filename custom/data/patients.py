"""What a user's table says of each image: its patient, and its scanner's pixel size. A folder cannot say it."""

import csv
import dataclasses
import difflib
import io
from pathlib import Path

from ..checks import RequestError
from .pixel_size import check_mpp
from .record import Record
from .source_file import composed

_NAMED = 3  # ids that an error names; the others are counted


def with_patients(records: list[Record], table: Path) -> list[Record]:
    """Give each record its patient, and its pixel size where the table has it.

    Args:
        records: All records of a data set.
        table: CSV (UTF-8) with a header that holds `id` and `patient`, in any order, among any other columns; `mpp` is
            the µm a pixel of an image of its own, empty where the option `--mpp` holds.

    Returns:
        The records in their order, each with its patient.

    Raises:
        RequestError: The file is no such table, an id is no image's or is there twice, a size is none, or an image has
            no line.
    """
    found = _read(table, {record.id for record in records})
    if missing := [record.id for record in records if record.id not in found]:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise RequestError(f"{table}: found no line for {', '.join(missing[:_NAMED])}{more}, wanted one for each image")
    return [dataclasses.replace(record, patient=found[record.id][0], mpp=found[record.id][1]) for record in records]


def _read(table: Path, known: set[str]) -> dict[str, tuple[str, float | None]]:
    """Patient and pixel size by id. Spreadsheets write a BOM, CRLF, blanks around fields and empty lines at the end."""
    wanted = "wanted a CSV file with the columns id and patient"
    lines: dict[str, tuple[str, float | None]] = {}
    try:
        rows = csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig")), skipinitialspace=True)
        header = [field.strip().lower() for field in next(rows, [])]
        if not {"id", "patient"} <= set(header):
            found = ",".join(header) or "nothing"
            raise RequestError(f"{table}: found the first line {found!r}, wanted columns id and patient, with commas")
        for row in rows:
            if not any(field.strip() for field in row):
                continue
            fields = dict(zip(header, (field.strip() for field in row), strict=False))
            name, patient = fields.get("id", ""), fields.get("patient", "")
            name = name if name in known else composed(name)
            where = f"{table}, line {rows.line_num}"
            if name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
                raise RequestError(f"{where}: found the id {name!r}, wanted that of an image; the nearest is {near!r}")
            if name in lines:
                raise RequestError(f"{where}: found {name!r} again, wanted each id once")
            if not patient:
                raise RequestError(f"{where}: found no patient for {name!r}, wanted one")
            lines[name] = (patient, _mpp(where, fields.get("mpp", "")))
    except OSError as error:
        raise RequestError(f"{table}: cannot be read ({error.strerror}), {wanted}") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{table}: not UTF-8 (byte {error.start}), {wanted}, saved as UTF-8") from error
    except csv.Error as error:
        raise RequestError(f"{table}: no CSV ({error}), {wanted}") from error
    return lines


def _mpp(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        mpp = float(text)
    except ValueError:
        raise RequestError(f"{where}: found the mpp {text!r}, wanted µm a pixel, such as 0.5") from None
    check_mpp(mpp, f"{where}, mpp")
    return mpp
