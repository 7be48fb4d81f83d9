"""Arrays to pictures: colours, outlines, slices as radiologists see them, sheets of many."""
