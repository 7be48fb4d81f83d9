from custom.drawing.colours import organ_colour


def test_every_organ_has_a_colour_of_its_own():
    found = [organ_colour(channel) for channel in range(1, 41)]
    assert len(set(found)) == 40
    assert all(max(shade) >= 145 for shade in found)  # seen on black
    assert all(max(shade) - min(shade) >= 40 for shade in found)  # and on grey
