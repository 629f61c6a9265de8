"""How far poses are from the truth: metrics, the truth itself, evaluations and their reports."""
