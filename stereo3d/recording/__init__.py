"""Recorded pairs from wherever they lie: `base.open_recording` is the way in, `convert.convert` the way to our file."""
