"""Tests of the machine for FLEQ."""
