"""Settings, HTTP families, workflow and workers: the composition root."""
