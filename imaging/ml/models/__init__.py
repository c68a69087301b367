"""One module, one `.tflite` and one `.json` card per model; the registry finds them by name."""
