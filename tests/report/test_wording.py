import pytest

from custom.report.glands.page import GLANDS
from custom.report.organs.page import ORGANS


@pytest.mark.parametrize("recipe", [GLANDS, ORGANS], ids=lambda recipe: recipe.title)
def test_what_a_page_begins_with_and_ranks_by_are_scores_of_the_recipe(recipe):
    names = [score.name for score in recipe.scores]
    assert len(set(names)) == len(names)
    assert set(recipe.headlines) | set(recipe.ranked) <= set(names)
    # the worst come first: the higher the better
    assert all(score.higher_is_better for score in recipe.scores if score.name in recipe.ranked)


def test_things_are_ranked_by_the_first_score_that_there_is():
    assert GLANDS.rank({"dice": 1.0, "object_dice": 0.5}).title == "Object Dice"
    assert GLANDS.rank({"dice": 1.0}).title == "Dice"
    with pytest.raises(ValueError, match="one of dice, got id"):
        ORGANS.rank({"id": "a"})
