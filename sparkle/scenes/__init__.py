"""Scenes: what stands where. Pure geometry, no pixels and no questions."""
