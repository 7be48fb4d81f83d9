import json
from pathlib import Path

import pytest
from organ_rows import COSTED, OPTIONS, ROWS, parts

RUN = Path("/runs/one")


@pytest.fixture
def data(tmp_path):
    """Two data sets by their lists alone: four organs, and one in two modalities."""
    for folder, name, organs, modalities in (("x", "big", 4, ["ct"]), ("y", "small", 1, ["mr", "ct"])):
        content = {
            "name": name, "spacing": [1.0, 1.0], "labels": {str(i): f"organ {i}" for i in range(1, organs + 1)},
            "modalities": {modality: {"percentiles": [1, 99]} for modality in modalities}, "training": [],
        }  # fmt: skip
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "datalist.json").write_text(json.dumps(content))
    return [str(tmp_path / "x"), str(tmp_path / "y")]


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_made_of_configs_of_the_bundle(row, data, repository):
    for part in parts(row, data, RUN, 10, 3):
        assert part.configs[0] == "train_organ"
        assert all((repository / "bundle" / "configs" / f"{name}.json").is_file() for name in part.configs)


def test_options_are_those_of_the_config(repository):
    words = json.loads((repository / "bundle" / "configs" / "train_organ.json").read_text())["_desc_"]
    assert all(row in words[option] for row, option in OPTIONS.items())


def test_a_row_of_one_training_sees_all_data_sets(data):
    (part,) = parts("channel", data, RUN, 10)
    assert part == (RUN, ["train_organ"], {"dataset_dirs": data, "gate": "channel"}, 10, data)
    (part,) = parts("plain_unet", data, RUN, 10)
    assert (part.configs, part.options) == (["train_organ", "plain_unet_organ"], {"dataset_dirs": data})


def test_separate_networks_share_the_epochs_as_their_tasks_are_drawn(data):
    big, small = parts("separate", data, RUN, 12)
    # sqrt(4) to 2 * sqrt(1): as often
    assert (big.folder, big.epochs, small.folder, small.epochs) == (RUN / "big", 6, RUN / "small", 6)
    assert [part.options["dataset_dirs"] for part in (big, small)] == [[one] for one in data]
    assert [part.evaluated for part in (big, small)] == [[one] for one in data]
    # no part is without
    assert [part.epochs for part in parts("separate", data, RUN, 1)] == [1, 1]


def test_the_first_phase_is_a_variant_and_comes_on_top(data):
    phase, then = parts("pretrained_experts", data, RUN, 10, first_phase=3)
    assert (phase.configs, phase.epochs, phase.evaluated) == (["train_organ", "pretrain_organ"], 3, [])
    assert (then.configs, then.epochs, then.evaluated) == (["train_organ"], 10, data)
    assert then.options == {"dataset_dirs": data, "init_path": str(phase.folder / "last.pt")}


def test_the_last_data_set_joins(data):
    old, joined = parts("third_set", data, RUN, 12)
    assert (old.options, old.epochs, old.evaluated) == ({"dataset_dirs": data[:1]}, 6, [])
    assert (joined.configs, joined.epochs, joined.evaluated) == (["train_organ", "add_modality_organ"], 6, data)
    assert joined.options == {"dataset_dir": data[1], "init_path": str(old.folder / "last.pt")}


def test_an_unknown_row_is_refused_with_those_that_there_are(data):
    with pytest.raises(ValueError, match="got tokens, wanted some of token,average"):
        parts("tokens", data, RUN, 1)


def test_what_costs_as_much_as_the_baseline_is_not_costed():
    assert set(ROWS) - set(COSTED.split(",")) == {"pretrained_experts", "third_set"}
