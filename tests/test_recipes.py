"""What every recipe has to have, and what is said of the weights that it ships."""

import hashlib
import json
import re
from pathlib import Path

import jsonschema
import pytest
from monai.bundle import verify_metadata, verify_net_in_out

from custom import __version__
from custom.checks import RequestError
from custom.networks import weights
from custom.recipes import CONFIGS, RECIPES, recipe_for

each_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


def metadata(recipe):
    return json.loads(recipe.config("metadata").read_text())


def scores_of(recipe):
    """The means that the evaluation of the shipped weights wrote: name in the metadata to value."""
    summary = json.loads((recipe.docs / "metrics_summary.json").read_text())
    if "tasks" in summary:
        return {f"{name}_dice": task["mean"]["scores"]["dice"]["mean"] for name, task in summary["tasks"].items()}
    (section,) = summary["sections"].values()
    return {name: score["mean"] for name, score in section["scores"].items()} | section["pooled"]


@each_recipe
def test_it_has_its_configs_its_card_and_its_weights(recipe):
    files = [recipe.config(name) for name in CONFIGS]
    files += [
        recipe.weights,
        *(recipe.docs / name for name in ("README.md", "metrics.csv", "history.csv", "curves.png")),
    ]
    assert [str(path) for path in files if not path.is_file()] == []
    assert recipe.weights.stat().st_size < 25e6  # the model zoo's limit


@each_recipe
def test_its_weights_are_those_that_were_scored(recipe):
    summary = json.loads((recipe.docs / "metrics_summary.json").read_text())
    assert summary["checkpoint_sha256"] == hashlib.sha256(recipe.weights.read_bytes()).hexdigest()
    assert weights.read(recipe.weights, recipe.name)["recipe"] == recipe.name


@each_recipe
def test_its_metadata_states_the_scores_that_were_measured(recipe):
    stated, found = metadata(recipe)["eval_metrics"], scores_of(recipe)
    assert stated
    assert stated == pytest.approx({name: found[name] for name in stated}, abs=5e-5)


@each_recipe
def test_its_card_states_the_scores_that_were_measured(recipe):
    card = (recipe.docs / "README.md").read_text()
    performance = re.split(r"^## ", card, flags=re.MULTILINE)
    (section,) = [part for part in performance if part.startswith("Performance")]
    stated = re.findall(r"\b0\.\d{3}\b", section)
    for name in metadata(recipe)["eval_metrics"]:
        assert f"{scores_of(recipe)[name]:.3f}" in stated, name


@each_recipe
def test_its_metadata_fits_the_schema_and_the_release(recipe, repository):
    schema = repository / "tests" / "bundle" / "meta_schema_20240725.json"
    verify_metadata(str(recipe.config("metadata")), str(schema))
    content = metadata(recipe)
    jsonschema.validate(content, json.loads(schema.read_text()))
    assert content["version"] == __version__
    assert __version__ in content["changelog"]
    assert f"## [{__version__}]" in (repository / "CHANGELOG.md").read_text()


@each_recipe
def test_its_network_gives_what_the_metadata_says(recipe):
    files = str(recipe.config("inference"))
    verify_net_in_out("network_def", str(recipe.config("metadata")), files, n=2, device="cpu")


def test_every_setting_is_explained(repository):
    """A plain value at the top of a config is a setting, explained there or in the config that it is a variant of."""
    explained, settings = set(), {}
    for path in sorted((repository / "bundle" / "configs").glob("*.json")):
        content = json.loads(path.read_text())
        explained |= content.get("_desc_", content.get("+_desc_", {})).keys()
        if not path.stem.startswith("metadata"):
            settings |= {key: path.name for key, value in content.items() if is_plain(key, value)}
    assert {key: name for key, name in settings.items() if key not in explained} == {}


def is_plain(key, value):
    return "#" not in key and isinstance(value, (bool, int, float, str)) and not str(value).startswith(("$", "@"))


def test_a_data_set_has_one_recipe():
    known = [name for recipe in RECIPES.values() for name in recipe.data_sets]
    assert len(set(known)) == len(known)
    assert {name: recipe_for(name, None).name for name in ("glas", "crag", "btcv", "acdc", "folder")} == {
        "glas": "gland", "crag": "gland", "btcv": "organ", "acdc": "organ", "folder": "gland",
    }  # fmt: skip
    assert recipe_for("folder", "my_ct.json").name == "organ"
    with pytest.raises(RequestError, match=r"found the data set 'glass', wanted one of glas, .*; did you mean glas"):
        recipe_for("glass", None)
    with pytest.raises(RequestError, match="--data_set: found it with btcv, wanted it with folder alone"):
        recipe_for("btcv", "my_ct.json")


def test_no_config_is_of_no_recipe(repository):
    """A config belongs to the recipe whose suffix its name has; what serves all is named here."""
    shared = {"multi_gpu_train"}
    for path in (repository / "bundle" / "configs").glob("*.json"):
        suffixes = [recipe.suffix for recipe in RECIPES.values() if recipe.suffix and path.stem.endswith(recipe.suffix)]
        of_gland = not suffixes and "M4oE" not in path.read_text()
        assert suffixes or of_gland or path.stem in shared, path.name


def test_each_release_left_a_run_of_each_recipe(repository):
    """`test_releases` goes on with them."""
    changelog = (repository / "CHANGELOG.md").read_text()
    released = [
        name
        for name, date in re.findall(r"^## \[([\d.]+)\] - (\S+)", changelog, flags=re.MULTILINE)
        if date[0].isdigit()
    ]
    fixtures = {path.name for path in (Path(__file__).parent / "fixtures").glob("*.tar.xz")}
    wanted = {
        f"{release}_{name}.tar.xz"
        for name, recipe in RECIPES.items()
        for release in released
        if _numbers(release) >= _numbers(recipe.since)
    }
    assert wanted <= fixtures
    assert wanted


def _numbers(release: str) -> list[int]:
    return [int(number) for number in release.split(".")]
