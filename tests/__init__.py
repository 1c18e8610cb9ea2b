"""Mirrors the three floors, plus tests/system (whole program), tests/golden (published figures), tests/laws."""
