"""Pixels: pipeline runs, jobs, detections, models and image operations."""
