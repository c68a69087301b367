"""Training and evaluation of the models in `imaging/ml`. Runs in a virtual environment of its own; see the README."""
