"""The independent side of the differential test: true lives, what sources say of them, and naive books."""
