"""Tokens under iterated attention: clusters on the sphere, and a machine as an attractor."""
