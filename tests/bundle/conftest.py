import pytest

from custom.data.drawn import volumes as synthetic_volumes
from custom.data.volumes import declaration
from custom.data.volumes import prepare as prepare_volumes


@pytest.fixture(scope="session")
def dataset_dirs(tmp_path_factory):
    """`synthetic_ct` and `synthetic_mr`, six volumes each, prepared. Not to be written to."""
    place = tmp_path_factory.mktemp("volumes")
    synthetic_volumes.synthesise(place / "source", number=6)
    for name in ("synthetic_ct", "synthetic_mr"):
        facts = declaration.read(place / "source" / name / "data_set.json")
        prepare_volumes.prepare(facts, place / "source" / name, place / name, validation=0.25, test=0.25)
    return [str(place / name) for name in ("synthetic_ct", "synthetic_mr")]
