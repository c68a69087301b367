"""What the models see: a TFLite runtime, a registry, and one file per model. Imports no Django."""
