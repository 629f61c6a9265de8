"""How far poses are from the truth.

Metrics, functions of whole arrays: `metrics` (in space), `pixels`, `oks`, `limbs`, `agreement`, `bootstrap`.
What is held against each other: `points` (in space), `views` (in pictures), `truth` and `files` (reading them).
One against a truth: `pairing`, `evaluate`, `report`; many: `comparison`.
"""
