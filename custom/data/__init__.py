"""Files on disk -> `datalist.json`; the only room that knows how owners lay out their data."""
