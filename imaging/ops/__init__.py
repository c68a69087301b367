"""Pure functions on media: judging files, decoding photos, choosing video frames, measuring quality. No Django here."""
