import zipfile
from pathlib import Path

import pytest

from custom.checks import RequestError
from custom.data.source_file import SourceFile, source_files


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_names():
    assert [SourceFile(Path(name)).stem for name in ("a.b.png", "a.B.GEOJSON.GZ", "a")] == ["a.b", "a.B", "a"]
    assert [SourceFile(Path(name)).suffix for name in ("a.b.PNG", "a.B.GEOJSON.GZ", "a")] == [".png", ".geojson.gz", ""]
    assert SourceFile(Path("x.zip"), "folder.d/a.png").stem == "a"


def test_a_directory_and_its_zip_hold_the_same(tmp_path):
    members = {"b/2.txt": b"two", "1.txt": b"one"}
    litter = {"__MACOSX/b/._2.txt": b"", "b/.DS_Store": b"", "Thumbs.db": b"", ".git/x": b""}
    archive = zipped(tmp_path / "a.zip", members | litter | {"empty/": b""})
    for name, content in (members | litter).items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for source in (archive, tmp_path / "folder"):
        assert {name: file.read() for name, file in source_files(source).items()} == members
        assert list(source_files(source)) == ["1.txt", "b/2.txt"]


@pytest.mark.parametrize("name", ["../x.bmp", "a/../../x.bmp", "/etc/x.bmp", "C:/x.bmp", "..\\x.bmp"])
def test_a_zip_that_would_write_elsewhere(tmp_path, name):
    archive = zipped(tmp_path / "a.zip", {"train_1.bmp": b"", name: b""})
    with pytest.raises(RequestError, match="outside its folder; refused"):
        source_files(archive)


def test_a_zip_with_a_name_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "2")
    with pytest.raises(RequestError, match="two files of one name"):
        source_files(tmp_path / "a.zip")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member(tmp_path, compression):
    content = bytes(range(256)) * 40
    archive = zipped(tmp_path / "a.zip", {"a.bmp": content}, compression=compression)
    data = bytearray(archive.read_bytes())
    data[100] ^= 255
    archive.write_bytes(data)
    file = source_files(archive)["a.bmp"]
    with pytest.raises(RequestError, match=r"a\.zip:a\.bmp: the zip is damaged"):
        file.read()


def test_sources_that_are_none(tmp_path):
    whole = zipped(tmp_path / "a.zip", {"a": b"x" * 1000}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    (tmp_path / "page.zip").write_text("<html>log in first</html>")
    for name, message in (("cut.zip", "not a whole zip"), ("page.zip", "not a whole zip"), ("no.zip", "not found")):
        with pytest.raises(RequestError, match=rf"{name}: {message}"):
            source_files(tmp_path / name)
