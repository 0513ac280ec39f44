"""Stillmotion: still images into short videos, on the user's own AWS account."""
