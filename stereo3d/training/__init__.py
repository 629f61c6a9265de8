"""Training of detectors. Needs torch; `stereo3d train` and recipe.py are the ways in."""
