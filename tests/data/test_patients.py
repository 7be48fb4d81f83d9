import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom.checks import RequestError
from custom.data.patients import with_patients
from custom.data.record import Record
from custom.data.source_file import SourceFile


def records(*names):
    return [Record(name, "training", SourceFile(Path(f"{name}.png")), None) for name in names]


def patients(names, table):
    return [(one.id, one.patient) for one in with_patients(records(*names), table)]


@pytest.mark.parametrize(
    "content",
    [
        b"id,patient\na,1\nb,2\n",
        b"id,patient\nb,2\na,1",
        b"\xef\xbb\xbfID, Patient\r\n a , 1\r\n\r\nb, 2 \r\n,\r\n",
        b'grade,patient,id,note\nbenign,1,a,"x, y"\n,2,b,\n',
        b'"id","patient"\n"a","1"\n"b","2"\n',
        b"id,patient\ra,1\rb,2\r",
    ],
)
def test_what_spreadsheets_write(tmp_path, content):
    (tmp_path / "p.csv").write_bytes(content)
    given_records = records("a", "b")
    found = with_patients(given_records, tmp_path / "p.csv")
    assert [(one.id, one.patient, one.section) for one in found] == [("a", "1", "training"), ("b", "2", "training")]
    assert given_records == records("a", "b")


WORD = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@given(st.dictionaries(WORD, WORD, min_size=1))
def test_what_the_csv_module_writes_is_read(tmp_path_factory, pairs):
    table = tmp_path_factory.mktemp("table") / "p.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "patient"), *pairs.items()])
    assert patients(pairs, table) == list(pairs.items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"found the first line 'nothing', wanted columns id and patient"),
        (b"a,1\nb,2\n", r"found the first line 'a,1', wanted columns"),
        (b"id;patient\na;1\nb;2\n", r"found the first line 'id;patient', wanted columns id and patient, with commas"),
        (b"id,patient\na,1\nb.png,2\n", r"p\.csv, line 3: found the id 'b\.png', .*; the nearest is 'b'"),
        (b"id,patient\na,1\nt,2\n", r"line 3: found the id 't', .*; the nearest is 'test_c'"),
        (b"id,patient\n,1\n", r"line 2: found the id ''"),
        (b"id,patient\na,1\n\na,2\n", r"line 4: found 'a' again, wanted each id once"),
        (b"id,patient\na, \n", r"line 2: found no patient for 'a'"),
        (b"id,patient\na\n", r"line 2: found no patient for 'a'"),
        (b"id,patient\na,1\nb,2\n", r"p\.csv: found no line for test_c, wanted one for each image"),
        (b"id,patient\n", r"found no line for a, b, test_c, wanted"),
        (b"id,patient\na,M\xfcller\n", r"not UTF-8 \(byte 14\), wanted a CSV file"),
    ],
)
def test_refused(tmp_path, content, message):
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(RequestError, match=message) as error:
        patients(["a", "b", "test_c"], tmp_path / "p.csv")
    assert str(error.value).startswith(str(tmp_path / "p.csv"))
    assert "\n" not in str(error.value)


def test_many_images_without_a_patient_are_counted(tmp_path):
    (tmp_path / "p.csv").write_text("id,patient\n")
    with pytest.raises(RequestError, match="no line for 0, 1, 2 and 7 more, wanted one for each image"):
        patients([str(number) for number in range(10)], tmp_path / "p.csv")


def test_no_file(tmp_path):
    with pytest.raises(RequestError, match=r"nosuch: cannot be read \(No such file or directory\), wanted a CSV file"):
        patients(["a"], tmp_path / "nosuch")
    with pytest.raises(RequestError, match=r"cannot be read \(Is a directory\)"):
        patients(["a"], tmp_path)
