"""Both recipes share one package, so each needs all that it imports."""

import ast
import json
import sys
from importlib.metadata import packages_distributions

import pytest

from custom.recipes import RECIPES

OF_MONAI = {"monai", "torch", "numpy"}  # these have keys of their own in the metadata


def imported(package):
    """Names of the packages that any file of ours imports, Python's own left out."""
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (name.name.split(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module.split(".")[0]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_metadata_names_every_package_that_is_imported(recipe, repository):
    known = packages_distributions()
    names = set(imported(repository / "custom")) - sys.stdlib_module_names - OF_MONAI
    wanted = {known[name][0].lower() for name in names}
    assert "nibabel" in wanted
    required = json.loads(recipe.config("metadata").read_text())["required_packages_version"]
    assert sorted(wanted - required.keys()) == []
