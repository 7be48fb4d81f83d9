import hashlib
import json
import logging
from pathlib import Path

import pytest

from custom.checks import RequestError
from custom.data import datalist
from custom.data.prepared import check_duplicates, check_items, check_output, on_sheet, write_items
from custom.data.record import Record
from custom.data.source_file import SourceFile


@pytest.fixture
def earlier(tmp_path):
    """What an earlier prepare wrote."""
    (tmp_path / "data" / "images").mkdir(parents=True)
    text = json.dumps({"name": "mine", "command": "x", "training": []})
    (tmp_path / "data" / "datalist.json").write_text(text)
    return tmp_path / "data"


def test_a_new_an_empty_and_an_earlier_directory_may_be_written(tmp_path, earlier):
    source = tmp_path / "source"
    (tmp_path / "empty").mkdir()
    assert check_output(tmp_path / "new", source) == ""
    assert check_output(tmp_path / "empty", source) == ""
    assert check_output(earlier, source) == "mine"


def test_what_is_the_users_is_not_replaced(tmp_path, earlier):
    source = tmp_path / "source"
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="file: is a file, wanted a new directory"):
        check_output(tmp_path / "file", source)
    (earlier / "thesis.docx").touch()
    with pytest.raises(RequestError, match=r"data: holds thesis\.docx, which prepare did not write"):
        check_output(earlier, source)
    (earlier / "datalist.json").write_text('{"name": "mine", "training": []}')  # without a command: written by hand
    with pytest.raises(RequestError, match="not empty and not written by prepare"):
        check_output(earlier, source)
    (earlier / "datalist.json").unlink()
    with pytest.raises(RequestError, match="not empty and not written by prepare"):
        check_output(earlier, source)


@pytest.mark.parametrize(("output", "source"), [("a", "a"), ("a/b", "a"), ("a", "a/b")])
def test_output_and_source_lie_apart(tmp_path, output, source):
    with pytest.raises(RequestError, match="inside each other"):
        check_output(tmp_path / output, tmp_path / source)


def records(*names, section="training"):
    return [Record(name, section, SourceFile(Path(f"{name}.png")), None, f"of {name}") for name in names]


def test_items_are_written_one_after_the_other_with_their_checksums(tmp_path):
    def write_one(section, record):
        item = {"image": f"images/{record.id}.txt"}
        (tmp_path / item["image"]).write_text(record.id)
        if section == "test":
            item["label"] = f"labels/{record.id}.txt"
            (tmp_path / item["label"]).write_text("label")
        return {**item, "modality": "ct"}

    items, checksums = write_items(tmp_path, {"training": records("a"), "test": records("b")}, "volume", write_one)
    assert items == {
        "training": [{"image": "images/a.txt", "modality": "ct", "id": "a", "patient": "of a"}],
        "test": [{"image": "images/b.txt", "label": "labels/b.txt", "modality": "ct", "id": "b", "patient": "of b"}],
    }
    assert checksums == {
        "images/a.txt": hashlib.sha256(b"a").hexdigest(),
        "images/b.txt": hashlib.sha256(b"b").hexdigest(),
        "labels/b.txt": hashlib.sha256(b"label").hexdigest(),
    }


def test_every_record_is_looked_at_before_the_faults_are_named(tmp_path):
    seen = []

    def write_one(section, record):
        seen.append(record.id)
        if record.id != "b":
            raise RequestError(f"{record.id} is torn")
        (tmp_path / "images/b").touch()
        return {"image": "images/b"}

    with pytest.raises(RequestError, match=r"^2 of 3 volumes are wrong: a is torn; c is torn$"):
        write_items(tmp_path, {"training": records("a", "b"), "test": records("c")}, "volume", write_one)
    assert seen == ["a", "b", "c"]


@pytest.fixture
def prepared(tmp_path):
    """Two training items and a test item, with checksums; their files hold text."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    sections = {"training": [], "unlabelled": [], "validation": [], "test": []}
    checksums = {}
    for name, section in (("a", "training"), ("b", "training"), ("c", "test")):
        item = {"image": f"images/{name}", "label": f"labels/{name}"}
        for key, path in item.items():
            (tmp_path / path).write_text(f"{key} of {name}")
            checksums[path] = hashlib.sha256(f"{key} of {name}".encode()).hexdigest()
        sections[section].append({**item, "id": name})
    datalist.write(tmp_path, {"name": "mine"}, sections, checksums)
    return tmp_path


def opened(folder, sections=("training",), remarks=()):
    """Ids of the items that a check opens."""
    found = []

    def open_one(item):
        found.append(item["id"])
        return remarks

    check_items(datalist.read(folder), sections, "image", open_one)
    return found


@pytest.mark.parametrize("changed", ["images/a", "labels/a"])
def test_only_what_has_changed_since_prepare_is_opened(prepared, changed):
    assert opened(prepared) == []
    (prepared / changed).write_text("another")
    assert opened(prepared) == ["a"]
    assert opened(prepared, ["test"]) == []
    (prepared / changed).write_text(f"{changed.split('s/')[0]} of a")
    assert opened(prepared) == []


def test_all_is_opened_where_other_labels_were_declared_later(prepared):
    content = json.loads((prepared / "datalist.json").read_text())
    (prepared / "datalist.json").write_text(json.dumps({**content, "labels": {"1": "liver"}}))
    assert opened(prepared) == ["a", "b"]


def test_all_is_opened_where_pairs_were_made_anew(prepared):
    content = json.loads((prepared / "datalist.json").read_text())
    first, second = content["training"]
    first["label"], second["label"] = second["label"], first["label"]
    (prepared / "datalist.json").write_text(json.dumps(content))
    assert opened(prepared) == ["a", "b"]


@pytest.mark.parametrize("checksums", [{}, None, {"images/a": "0" * 64}])
def test_all_is_opened_where_the_list_holds_no_checksums(prepared, checksums):
    content = json.loads((prepared / "datalist.json").read_text())
    content["checksums"] = checksums
    written = {key: value for key, value in content.items() if value is not None}
    (prepared / "datalist.json").write_text(json.dumps(written))
    assert opened(prepared) == ["a", "b"]
    assert opened(prepared, ["validation", "test"]) == ["c"]


def test_remarks_are_logged_and_faults_are_named_together(prepared, caplog):
    for name in "ab":
        (prepared / "images" / name).write_text("another")
    with caplog.at_level(logging.INFO):
        opened(prepared, remarks=["was grey"])
    assert caplog.text.count("was grey") == 2

    def fail(item):
        raise RequestError(f"{item['id']} is torn")

    with pytest.raises(RequestError, match=r"^2 of 3 images are wrong: a is torn; b is torn$"):
        check_items(datalist.read(prepared), ["training", "test"], "image", fail)


def test_files_that_cannot_be_read_are_named_together(prepared, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    data_list = datalist.read(prepared)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(RequestError, match=r"2 of 2 images are wrong.*images/a: cannot be read \(Permission denied\)"):
        check_items(data_list, ["training"], "image", lambda _: ())


def test_one_that_is_learnt_is_not_tested():
    sections = {"training": records("a", "b"), "test": records("c")}
    check_duplicates(sections, {"a": "1", "b": "2", "c": "3"}, "volume")
    twice = {"a": "1", "b": "1", "c": "3"}
    check_duplicates(sections, twice, "volume")
    with pytest.raises(RequestError, match=r"^b\.png: the same volume as a\.png$"):
        check_duplicates(sections, twice, "volume", within=True)
    with pytest.raises(RequestError, match=r"^c\.png: in test, the same picture as b\.png in training$"):
        check_duplicates(sections, {"a": "1", "b": "2", "c": "2"}, "picture")
    with pytest.raises(RequestError, match=r"^2 of 3 volumes are wrong: b.*; c"):
        check_duplicates(sections, dict.fromkeys("abc", "1"), "volume", within=True)


@pytest.mark.parametrize(
    ("outlined", "plain", "shown"),
    # Of those with outlines at most 400, of the others at most 16: every second of 401, every third of 41.
    [(400, 16, (400, 16)), (401, 17, (201, 9)), (3, 41, (3, 14)), (0, 0, (0, 0))],
)
def test_of_many_some_are_shown_evenly_spread(outlined, plain, shown):
    sections = {
        "training": records(*(f"t{index}" for index in range(outlined))),
        "unlabelled": records(*(f"u{index}" for index in range(plain))),
        "validation": [],
    }
    found = on_sheet(sections)
    assert (len({one for one in found if one[0] == "t"}), len({one for one in found if one[0] == "u"})) == shown
    if outlined == 401:
        assert {"t0", "t2", "t400"} <= found
        assert "t1" not in found
