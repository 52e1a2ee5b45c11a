"""Tests of what earlier runs have kept."""
